output "guarantees" {
  description = "What every rotation must have, for the policy tests."
  value = {
    for name, rotation in aws_secretsmanager_secret_rotation.this : name => {
      function_arn   = rotation.rotation_lambda_arn
      days           = one(rotation.rotation_rules).automatically_after_days
      immediately    = rotation.rotate_immediately
      caller         = aws_lambda_permission.this[name].principal
      caller_account = aws_lambda_permission.this[name].source_account
      caller_secret  = aws_lambda_permission.this[name].source_arn
      qualifier      = aws_lambda_permission.this[name].qualifier
      alarm_actions  = aws_cloudwatch_metric_alarm.failed.alarm_actions
    }
  }
}
