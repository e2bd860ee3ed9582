# How functions come to new versions: at once by Terraform, or step by step by CodeDeploy.

locals {
  # CodeDeploy's own configurations.
  deployment_configurations = merge(
    { for minutes in [5, 10, 15, 30] : "canary10percent${minutes}minutes" => "CodeDeployDefault.LambdaCanary10Percent${minutes}Minutes" },
    { linear10percentevery1minute = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute" },
    { for minutes in [2, 3, 10] : "linear10percentevery${minutes}minutes" => "CodeDeployDefault.LambdaLinear10PercentEvery${minutes}Minutes" },
  )

  deployment_configuration = var.emulated ? null : lookup(local.deployment_configurations, var.deployment.strategy, null)
  gradual                  = local.deployment_configuration != null

  deployment = local.gradual ? {
    application   = aws_codedeploy_app.functions[0].name
    role_arn      = aws_iam_role.deployments[0].arn
    configuration = local.deployment_configuration
  } : null
}

resource "aws_codedeploy_app" "functions" {
  count = local.gradual ? 1 : 0

  name             = "${local.name}-functions"
  compute_platform = "Lambda"
}

resource "aws_iam_role" "deployments" {
  count = local.gradual ? 1 : 0

  name                 = "${local.name}-deployments"
  permissions_boundary = local.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codedeploy.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

# Less than AWS's AWSCodeDeployRoleForLambdaLimited: of these functions alone, and without hooks.
resource "aws_iam_role_policy" "deployments" {
  # checkov:skip=CKV_AWS_355: DescribeAlarms knows no resources
  count = local.gradual ? 1 : 0

  name = "deployments"
  role = aws_iam_role.deployments[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
        Resource = ["arn:aws:lambda:${local.region}:${local.account_id}:function:${local.name}-*"]
      },
      {
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = ["*"]
      },
    ]
  })
}
