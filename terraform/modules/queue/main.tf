# A queue and, where messages may fail, the dead-letter queue behind it. Everything is set on the
# queue itself: separate policy resources would each wait half a minute for propagation.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  dead_letter_name = "${var.name}-dead-letters"
  has_dead_letters = var.max_receive_count != null
  arn_prefix       = "arn:aws:sqs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  tls_statements = {
    for name in [var.name, local.dead_letter_name] : name => [
      for arn in ["${local.arn_prefix}:${name}"] : {
        Sid       = "DenyPlainText"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      } if var.require_tls
    ]
  }

  sender_statements = [
    for sender in var.senders : {
      Sid       = sender.sid
      Effect    = "Allow"
      Principal = { Service = sender.service }
      Action    = "sqs:SendMessage"
      Resource  = "${local.arn_prefix}:${var.name}"
      Condition = { ArnEquals = { "aws:SourceArn" = sender.source_arns } }
    }
  ]

  statements = {
    (var.name)               = concat(local.sender_statements, local.tls_statements[var.name])
    (local.dead_letter_name) = local.tls_statements[local.dead_letter_name]
  }
  policies = {
    for name, statements in local.statements : name => length(statements) == 0 ? null : jsonencode({ Version = "2012-10-17", Statement = statements })
  }
}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  kms_master_key_id          = var.kms_key_arn
  message_retention_seconds  = var.retention_seconds
  visibility_timeout_seconds = var.visibility_timeout_seconds
  policy                     = local.policies[var.name]

  redrive_policy = local.has_dead_letters ? jsonencode({
    deadLetterTargetArn = "${local.arn_prefix}:${aws_sqs_queue.dead_letters[0].name}"
    maxReceiveCount     = var.max_receive_count
  }) : null
}

resource "aws_sqs_queue" "dead_letters" {
  count = local.has_dead_letters ? 1 : 0

  name                      = local.dead_letter_name
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600 # the longest SQS keeps a message
  policy                    = local.policies[local.dead_letter_name]

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["${local.arn_prefix}:${var.name}"]
  })
}
