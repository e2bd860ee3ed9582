# Where images wait for Lambda: a repository for each family of functions. They belong to an account
# and not to an environment, as one image, by its digest, goes through all environments.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  others     = setsubtract(var.accounts, [local.account_id])
  pull       = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

  # Lambda fetches an image again when a function has slept for long, so not only when it is deployed.
  # Both statements: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for account in setunion(var.accounts, [local.account_id]) : {
        Sid       = "FunctionsOf${account}"
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = local.pull
        Condition = {
          StringEquals = { "aws:SourceAccount" = account }
          ArnLike      = { "aws:SourceArn" = "arn:aws:lambda:${data.aws_region.current.name}:${account}:function:${var.name}-*" }
        }
      }],
      # Who makes a function in another account must be allowed the same, and to mark what it deploys
      # (PutImage of a manifest whose layers are here); here that is a matter of its role.
      [for account in local.others : {
        Sid       = "WhoDeploysIn${account}"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${account}:root" }
        Action    = concat(local.pull, ["ecr:PutImage"])
      }],
    )
  })

  # An image that has the tag of a rule is expired by that rule or by none, whatever the rules after it
  # say, and the oldest go first. So what production runs outlives any number of deployments to others.
  # https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html#lp_evaluation_rules
  # No rule is for any tag or for none: it would take away signatures and attestations.
  # The oldest is the one pushed first, whenever it was marked: of what is deployed many are kept, so
  # that a version that has long been live outlives those that came after it and went back.
  kept = concat(
    [for environment in var.environments : { tags = "deployed-${environment}-*", number = var.kept_deployed }],
    [{ tags = "built-*", number = var.kept_images }],
  )
}

resource "aws_kms_key" "this" {
  description             = "Images of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_protection ? 30 : 7

  # ECR works with grants, made by whoever makes a repository.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountAdministers"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-images"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_ecr_repository" "this" {
  for_each = var.families

  name                 = "${var.name}-${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.deletion_protection

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.this.arn
  }
}

resource "aws_ecr_repository_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = local.policy
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [for index, kept in local.kept : {
      rulePriority = index + 1
      description  = "The newest ${kept.number} of ${kept.tags}"
      selection    = { tagStatus = "tagged", tagPatternList = [kept.tags], countType = "imageCountMoreThan", countNumber = kept.number }
      action       = { type = "expire" }
    }]
  })
}
