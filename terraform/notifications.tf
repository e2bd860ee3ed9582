# Where notifications are published, for subscribers who filter by tenant, type and severity.

resource "aws_sns_topic" "notifications" {
  name              = "${local.name}-notifications"
  kms_master_key_id = aws_kms_key.data.arn
}

# In place of SNS's own, which is wider.
resource "aws_sns_topic_policy" "notifications" {
  arn = aws_sns_topic.notifications.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "FunctionsPublish"
        Effect    = "Allow"
        Principal = { AWS = [for logical, function in local.functions : module.function[logical].role_arn if can(function.access.topics.notifications)] }
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.notifications.arn
      }],
      [for arn in [aws_sns_topic.notifications.arn] : {
        Sid       = "DenyPlainText"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      } if !var.emulated],
    )
  })
}

resource "aws_sns_topic_subscription" "notification_email" {
  for_each = var.notification_emails

  topic_arn           = aws_sns_topic.notifications.arn
  protocol            = "email"
  endpoint            = each.key
  filter_policy_scope = "MessageAttributes"
  filter_policy       = jsonencode(each.value)
}
