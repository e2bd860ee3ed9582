# The most that any role of the environment can have, whatever its own policies say: the services that
# functions use, on what bears the environment's name, and no right over identities at all. What has
# no name gets just the actions that some role here uses.

locals {
  boundary_name = "itemstream-boundary-${var.environment}"

  boundary_resources = flatten([for name in local.names : [
    "arn:aws:dynamodb:${local.place}:table/${name}",
    "arn:aws:events:${local.place}:event-bus/${name}",
    "arn:aws:events:${local.place}:rule/${name}",
    "arn:aws:lambda:${local.place}:function:${name}",
    "arn:aws:logs:${local.place}:log-group:*${name}",
    "arn:aws:logs:${local.place}:log-group:*${name}:*",
    "arn:aws:s3:::${name}",
    "arn:aws:secretsmanager:${local.place}:secret:${name}",
    "arn:aws:sns:${local.place}:${name}",
    "arn:aws:sqs:${local.place}:${name}",
    "arn:aws:elasticache:${local.place}:replicationgroup:${name}",
    "arn:aws:elasticache:${local.place}:user:${name}",
  ]])
}

resource "aws_iam_policy" "boundary" {
  name        = local.boundary_name
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
          "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface",
          "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses", "xray:Put*",
        ]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = local.region } }
      },
      {
        # An API and a proxy are named by ids: frames to clients, and the one user that functions are.
        Sid      = "Ids"
        Effect   = "Allow"
        Action   = ["execute-api:ManageConnections", "rds-db:connect"]
        Resource = ["arn:aws:execute-api:${local.place}:*/@connections/*", "arn:aws:rds-db:${local.place}:dbuser:prx-*/itemstream"]
      },
      {
        # RDS itself names and tags the secret of a database's owner.
        Sid       = "DatabaseOwner"
        Effect    = "Allow"
        Action    = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
        Resource  = ["arn:aws:secretsmanager:${local.place}:secret:rds!db-*"]
        Condition = { ArnLike = { "aws:ResourceTag/aws:rds:primaryDBInstanceArn" = [for name in local.names : "arn:aws:rds:${local.place}:db:${name}"] } }
      },
      {
        # RDS has one log for the operating systems of all instances.
        Sid      = "DatabaseMonitoring"
        Effect   = "Allow"
        Action   = [for action in ["CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "GetLogEvents", "PutLogEvents", "PutRetentionPolicy"] : "logs:${action}"]
        Resource = ["arn:aws:logs:${local.place}:log-group:RDSOSMetrics", "arn:aws:logs:${local.place}:log-group:RDSOSMetrics:*"]
      },
    ]
  })
}
