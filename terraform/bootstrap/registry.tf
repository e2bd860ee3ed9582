# Images belong to the account: one image, by its digest, goes through all environments.

module "registry" {
  source = "../modules/registry"

  name     = "itemstream"
  families = var.families
  accounts = var.registry_accounts
  # Those whose data a pipeline may not delete come first; copies of one do not push out its own.
  environments = flatten([
    for name in concat([for name, environment in var.environments : name if !environment.may_destroy], [for name, environment in var.environments : name if environment.may_destroy]) :
    var.environments[name].copies ? [name, "${name}*"] : [name]
  ])
}

# Who builds images pushes them, with signatures and bills of materials beside, and nothing else.
resource "aws_iam_role" "push" {
  name               = "itemstream-push"
  description        = "The workflow that builds images: pushes them."
  assume_role_policy = local.trust_policies["push"]
}

resource "aws_iam_policy" "push" {
  name        = "itemstream-push"
  description = "Push images to the repositories of Itemstream."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] },
      {
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages", "ecr:DescribeImageScanFindings",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:ListImages", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = [for repository in module.registry.repositories : repository.arn]
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "push" {
  role       = aws_iam_role.push.name
  policy_arn = aws_iam_policy.push.arn
}
