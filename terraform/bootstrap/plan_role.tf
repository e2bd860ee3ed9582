# For pull requests and the nightly look for drift: how things are set up, and Terraform's state. It
# reads no item, object, message, log line or secret.

locals {
  plan_services = [
    "acm", "application-autoscaling", "cloudwatch", "codedeploy", "ec2", "elasticache", "events", "rds", "route53", "scheduler", "sns", "wafv2",
  ]

  plan_actions = concat(
    flatten([for service in local.plan_services : [for verb in ["Describe*", "Get*", "List*"] : "${service}:${verb}"]]),
    ["codedeploy:BatchGet*", "apigateway:GET", "sts:GetCallerIdentity"],
    # Services whose Get* or Describe* would read what is kept.
    [for action in ["Describe*", "List*"] : "dynamodb:${action}"],
    [for action in ["DescribeImages", "DescribeRepositories", "GetLifecyclePolicy", "GetRepositoryPolicy", "ListImages", "ListTagsForResource"] : "ecr:${action}"],
    [for action in ["GetOpenIDConnectProvider", "GetPolicy", "GetPolicyVersion", "GetRole", "GetRolePolicy", "List*"] : "iam:${action}"],
    [for action in ["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "ListResourceTags"] : "kms:${action}"],
    [for action in ["GetAlias", "GetEventSourceMapping", "GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "GetFunctionConfiguration", "GetFunctionEventInvokeConfig", "GetLayerVersion", "GetPolicy", "GetProvisionedConcurrencyConfig", "List*"] : "lambda:${action}"],
    [for action in ["DescribeLogGroups", "DescribeMetricFilters", "DescribeResourcePolicies", "GetLogDelivery", "ListLogDeliveries", "ListTagsForResource", "ListTagsLogGroup"] : "logs:${action}"],
    [for action in ["GetAccelerateConfiguration", "GetBucket*", "GetEncryptionConfiguration", "GetLifecycleConfiguration", "GetReplicationConfiguration", "ListBucket", "ListTagsForResource"] : "s3:${action}"],
    [for action in ["DescribeSecret", "GetResourcePolicy", "ListSecrets"] : "secretsmanager:${action}"],
    [for action in ["GetQueueAttributes", "GetQueueUrl", "ListQueueTags"] : "sqs:${action}"],
  )

  artifact_buckets = [for environment in keys(var.environments) : "arn:aws:s3:::itemstream-${environment}*-artifacts-${local.account_id}"]

  plan_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = local.plan_actions, Resource = ["*"] },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for kind in ["artifacts.json", "tfstate"] : "${module.state.arn}/*.${kind}"]
      },
      { Effect = "Allow", Action = ["kms:Decrypt"], Resource = [aws_kms_key.state.arn] },
      {
        # Archives: a refresh asks for their heads and tags.
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectTagging"]
        Resource = [for bucket in local.artifact_buckets : "${bucket}/*"]
      },
      {
        # S3 hands the bucket's ARN to the key, or the object's.
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = ["arn:aws:kms:${local.region}:${local.account_id}:key/*"]
        Condition = { StringLike = { "kms:EncryptionContext:aws:s3:arn" = [for bucket in local.artifact_buckets : "${bucket}*"] } }
      },
      {
        # Whether images are there; the registry may be another account's.
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage"]
        Resource = ["arn:aws:ecr:${local.region}:*:repository/itemstream-*"]
      },
    ]
  })
}

resource "aws_iam_role" "plan" {
  name               = "itemstream-plan"
  description        = "Pull requests and the nightly look for drift: plans, changes nothing."
  assume_role_policy = local.trust_policies["plan"]
}

resource "aws_iam_policy" "plan" {
  name        = "itemstream-plan"
  description = "How things are set up, and Terraform's state."
  policy      = local.plan_policy
}

resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.plan.name
  policy_arn = aws_iam_policy.plan.arn
}
