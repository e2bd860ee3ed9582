# The function's own role: what `access` names, its log, its traces and its dead letters.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  place = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  # What a caller needs on the key when the service encrypts with it. DynamoDB's are the documented
  # minimum for a customer-managed key, less the grants that the table's owner makes.
  kms_actions = {
    dynamodb       = ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"]
    s3             = ["Decrypt", "GenerateDataKey"]
    secretsmanager = distinct(concat(["Decrypt"], [for grant in local.granted : "GenerateDataKey" if contains(grant.actions, "PutSecretValue")]))
    sns            = ["Decrypt", "GenerateDataKey"]
    sqs            = ["Decrypt", "GenerateDataKey"]
  }

  # By name: waiting for the queue itself would hold back the role, and the function, by half a minute.
  dead_letters = { service = "sqs", actions = ["GetQueueUrl", "SendMessage"], resources = ["arn:aws:sqs:${local.place}:${local.dead_letters_name}"] }
  granted      = concat(var.access, [local.dead_letters])

  granted_statements = [
    for grant in local.granted : {
      Effect   = "Allow"
      Action   = [for action in grant.actions : "${grant.service}:${action}"]
      Resource = grant.resources
    }
  ]

  key_statements = [
    for service in distinct([for grant in local.granted : grant.service if contains(keys(local.kms_actions), grant.service)]) : {
      Effect    = "Allow"
      Action    = [for action in local.kms_actions[service] : "kms:${action}"]
      Resource  = [var.kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "${service}.${data.aws_region.current.name}.amazonaws.com" } }
    }
  ]

  log_statement = {
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["${aws_cloudwatch_log_group.this.arn}:log-stream:*"]
  }

  # X-Ray has no resources to name.
  trace_statement = {
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = ["*"]
  }

  # Lambda makes the network interfaces with this role before they have names; the code of the
  # function itself is kept from doing so.
  interface_actions = [
    "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
  ]
  function_arn = "arn:aws:lambda:${local.place}:function:${var.name}"
  network_statements = [
    for statement in [
      { Effect = "Allow", Action = local.interface_actions, Resource = ["*"] },
      {
        Effect    = "Deny"
        Action    = local.interface_actions
        Resource  = ["*"]
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arn } }
      },
    ] : statement if var.network != null
  ]

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.granted_statements, local.key_statements, [local.log_statement, local.trace_statement], local.network_statements,
    )
  })
}

resource "aws_iam_role" "this" {
  name                 = var.name
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "access"
  role   = aws_iam_role.this.id
  policy = local.policy
}
