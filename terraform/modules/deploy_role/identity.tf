# State, and the roles of the environment: each under the boundary, so that the pipeline can give
# nobody, itself included, more than the environment's own.

locals {
  # By its name, as the roles of the environment say it.
  boundary_arn = "arn:aws:iam::${local.account_id}:policy/${local.boundary_name}"

  role_arns = [for name in local.names : "arn:aws:iam::${local.account_id}:role/${name}"]

  # Service-linked roles that AWS makes with the first cluster, proxy or scaling target of an account.
  linked_services = [
    "autoscaling.amazonaws.com", "elasticache.amazonaws.com", "lambda.application-autoscaling.amazonaws.com", "ops.apigateway.amazonaws.com",
    "rds.amazonaws.com", "wafv2.amazonaws.com",
  ]

  state_statements = [
    # Who may not list a bucket is told of what is missing that it is refused.
    { Effect = "Allow", Action = ["s3:GetBucketLocation", "s3:ListBucket"], Resource = [var.state.bucket_arn] },
    {
      # The state, S3's own lock file, and the manifest of what is deployed.
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = [for key in ["tfstate", "tfstate.tflock", "artifacts.json"] : "${var.state.bucket_arn}/${local.environments}.${key}"]
    },
    { Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = [var.state.kms_key_arn] },
  ]

  role_statements = [
    {
      Effect    = "Allow"
      Action    = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      Resource  = local.role_arns
      Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }
    },
    {
      Effect = "Allow"
      Action = [
        "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
        "iam:ListRoleTags", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
      ]
      Resource = local.role_arns
    },
    {
      Effect   = "Allow"
      Action   = ["iam:PassRole"]
      Resource = local.role_arns
      Condition = { StringEquals = { "iam:PassedToService" = [
        "codedeploy.amazonaws.com", "lambda.amazonaws.com", "monitoring.rds.amazonaws.com", "rds.amazonaws.com",
        "scheduler.amazonaws.com", "vpc-flow-logs.amazonaws.com",
      ] } }
    },
    {
      Effect    = "Allow"
      Action    = ["iam:CreateServiceLinkedRole"]
      Resource  = ["arn:aws:iam::${local.account_id}:role/aws-service-role/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = local.linked_services } }
    },
  ]
}
