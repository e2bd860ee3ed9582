# A queue and, where messages may fail, the dead-letter queue behind it. Everything is set on the
# queue itself: separate policy resources would each wait half a minute for propagation.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  dead_letter_name = "${var.name}-dead-letters"
  has_dead_letters = var.max_receive_count != null
  arn_prefix       = "arn:aws:sqs:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  tls_only = {
    for name in [var.name, local.dead_letter_name] : name => var.require_tls ? jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "DenyPlainText"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = "${local.arn_prefix}:${name}"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }) : null
  }
}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  kms_master_key_id          = var.kms_key_arn
  message_retention_seconds  = var.retention_seconds
  visibility_timeout_seconds = var.visibility_timeout_seconds
  policy                     = local.tls_only[var.name]

  redrive_policy = local.has_dead_letters ? jsonencode({
    deadLetterTargetArn = one(aws_sqs_queue.dead_letters[*].arn)
    maxReceiveCount     = var.max_receive_count
  }) : null
}

resource "aws_sqs_queue" "dead_letters" {
  count = local.has_dead_letters ? 1 : 0

  name                      = local.dead_letter_name
  kms_master_key_id         = var.kms_key_arn
  message_retention_seconds = 1209600 # the longest SQS keeps a message
  policy                    = local.tls_only[local.dead_letter_name]

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["${local.arn_prefix}:${var.name}"]
  })
}
