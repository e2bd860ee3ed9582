# The most that any role of the environment can have, whatever its own policies say: the services that
# functions use, on what bears the environment's name, and no right over identities at all.

locals {
  boundary_resources = flatten([for name in local.names : [
    "arn:aws:dynamodb:${local.place}:table/${name}",
    "arn:aws:events:${local.place}:event-bus/${name}",
    "arn:aws:events:${local.place}:rule/${name}",
    "arn:aws:lambda:${local.place}:function:${name}",
    "arn:aws:logs:${local.place}:log-group:*${name}",
    "arn:aws:s3:::${name}",
    "arn:aws:secretsmanager:${local.place}:secret:${name}",
    "arn:aws:sns:${local.place}:${name}",
    "arn:aws:sqs:${local.place}:${name}",
    "arn:aws:elasticache:${local.place}:replicationgroup:${name}",
  ]])
}

resource "aws_iam_policy" "boundary" {
  name        = "itemstream-boundary-${var.environment}"
  description = "The most that a role of ${var.environment} can have."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "OwnResources"
        Effect   = "Allow"
        Action   = ["dynamodb:*", "elasticache:Connect", "events:*", "lambda:*", "logs:*", "s3:*", "secretsmanager:*", "sns:*", "sqs:*"]
        Resource = local.boundary_resources
      },
      {
        Sid       = "OwnKey"
        Effect    = "Allow"
        Action    = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncrypt*"]
        Resource  = ["*"]
        Condition = { StringLike = { "aws:ResourceTag/Environment" = local.environments } }
      },
      {
        Sid    = "WithoutNames"
        Effect = "Allow"
        Action = [
          "cloudwatch:*", "codedeploy:*", "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
          "ec2:Describe*", "ec2:UnassignPrivateIpAddresses", "elasticache:Connect", "execute-api:*", "rds-db:connect", "xray:Put*",
          "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:FilterLogEvents",
          "logs:GetLogEvents", "logs:PutLogEvents", "logs:PutRetentionPolicy",
        ]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = local.region } }
      },
      {
        # RDS itself names and tags the secret of a database's owner.
        Sid      = "DatabaseOwner"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        Resource = ["arn:aws:secretsmanager:${local.place}:secret:rds!db-*"]
      },
    ]
  })
}
