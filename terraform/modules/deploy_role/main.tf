# The role by which a pipeline deploys one environment: what services.yaml lists, on what bears the
# environment's name.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.name
  place      = "${local.region}:${local.account_id}"

  # How names begin. A copy is the name with a number, so no other environment's name may begin so.
  names        = var.copies ? ["itemstream-${var.environment}*"] : ["itemstream-${var.environment}", "itemstream-${var.environment}-*"]
  environments = var.copies ? "${var.environment}*" : var.environment

  services = yamldecode(file("${path.module}/services.yaml"))

  # ARNs by service, with the placeholders filled in.
  resources = {
    for service, entry in local.services : service => distinct(flatten([
      for arn in try(entry.resources, []) : [
        for name in local.names : replace(replace(replace(replace(arn, "{place}", local.place), "{region}", local.region), "{account}", local.account_id), "{name}", name)
      ]
    ]))
  }

  statements = {
    for service, entry in local.services : service => concat(
      length(local.resources[service]) == 0 ? [] : [{
        Effect   = "Allow"
        Action   = [for action in concat(entry.actions, var.may_destroy ? try(entry.destroys, []) : []) : "${service}:${action}"]
        Resource = local.resources[service]
      }],
      length(try(entry.account, [])) == 0 ? [] : [{
        Effect    = "Allow"
        Action    = [for action in entry.account : "${service}:${action}"]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = service == "route53" ? "us-east-1" : local.region } }
      }],
      length(try(entry.tagged, [])) == 0 ? [] : [{
        Effect    = "Allow"
        Action    = [for action in entry.tagged : "${service}:${action}"]
        Resource  = ["*"]
        Condition = { StringLike = { "aws:ResourceTag/Environment" = local.environments } }
      }],
    )
  }

  # A managed policy has 6,144 characters at the most, a role ten of them.
  parts = {
    code     = ["lambda", "codedeploy", "events", "scheduler", "cloudwatch", "application-autoscaling", "ecr"]
    gateways = ["apigateway", "wafv2", "acm", "route53", "logs"]
    data     = ["dynamodb", "s3", "sqs", "sns", "secretsmanager", "kms"]
    networks = ["ec2", "elasticache", "rds"]
  }

  policies = merge(
    { for part, services in local.parts : part => concat([for service in services : local.statements[service]]...) },
    { identity = concat(local.state_statements, local.role_statements, local.data_statements, local.other_environments_statements) },
  )
}

resource "aws_iam_role" "this" {
  name                 = "itemstream-deploy-${var.environment}"
  description          = "The pipeline that deploys ${var.environment}."
  assume_role_policy   = var.trust_policy
  max_session_duration = 7200
}

resource "aws_iam_policy" "deploy" {
  for_each = local.policies

  name        = "itemstream-deploy-${var.environment}-${each.key}"
  description = "What the pipeline of ${var.environment} does: ${each.key}."
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = aws_iam_policy.deploy

  role       = aws_iam_role.this.name
  policy_arn = each.value.arn
}
