# Secrets that Secrets Manager has a function rotate, and what tells when that fails.

# Not at once: the values are written after the first apply, and a changed rule is no reason.
resource "aws_secretsmanager_secret_rotation" "this" {
  for_each = var.secret_arns

  # Secrets Manager refuses a function that it may not call.
  depends_on = [aws_lambda_permission.this]

  secret_id           = each.value
  rotation_lambda_arn = var.function.alias_arn
  rotate_immediately  = false

  rotation_rules {
    automatically_after_days = var.days
  }
}

# For each secret: what the function may be asked to rotate is named here, too.
resource "aws_lambda_permission" "this" {
  for_each = var.secret_arns

  statement_id   = "secret-${replace(each.key, "_", "-")}"
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  function_name  = var.function.name
  qualifier      = var.function.alias
  source_arn     = each.value
  source_account = var.account_id
}

# Whatever fails is attempted again by Secrets Manager, but a rotation that begins to fail is worth
# a look at once: what it would replace is still good.
resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${var.name}-secret-rotation-failed"
  alarm_description   = "A secret could not be rotated: docs/runbooks/secret-rotation-failed.md."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = var.function.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}
