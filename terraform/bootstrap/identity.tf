# Workflows come with a token of GitHub's that names the repository and what runs there; no key of AWS
# is stored anywhere.
# https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws

locals {
  github = "token.actions.githubusercontent.com"

  provider_arn = "arn:aws:iam::${local.account_id}:oidc-provider/${local.github}"

  # Subjects: https://docs.github.com/en/actions/reference/security/oidc
  subjects = merge(
    {
      # What pull requests bring runs only in environments with reviewers (plan, preview); forks get no token.
      plan = ["repo:${var.repository}:environment:plan", "repo:${var.repository}:ref:refs/heads/main"]
      push = ["repo:${var.repository}:environment:images", "repo:${var.repository}:environment:preview"]
    },
    { for name, environment in var.environments : "deploy ${name}" => [for each in environment.github_environments : "repo:${var.repository}:environment:${each}"] },
  )

  trust_policies = {
    for role, subjects in local.subjects : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = local.provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = { StringEquals = { "${local.github}:aud" = "sts.amazonaws.com", "${local.github}:sub" = subjects } }
      }]
    })
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.makes_identity_provider ? 1 : 0

  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

module "deploy_role" {
  source   = "../modules/deploy_role"
  for_each = var.environments

  environment  = each.key
  copies       = each.value.copies
  may_destroy  = each.value.may_destroy
  trust_policy = local.trust_policies["deploy ${each.key}"]
  state        = local.state
}
