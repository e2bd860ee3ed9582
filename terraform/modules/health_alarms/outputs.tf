output "guarantees" {
  description = "What is watched, and who is told, for the policy tests."
  value = {
    parts         = { for part, alarm in aws_cloudwatch_metric_alarm.part : part => alarm.dimensions.part }
    missing_data  = aws_cloudwatch_metric_alarm.silent.treat_missing_data
    function      = aws_cloudwatch_metric_alarm.silent.dimensions.function
    alarm_actions = [for alarm in concat(values(aws_cloudwatch_metric_alarm.part), [aws_cloudwatch_metric_alarm.silent]) : alarm.alarm_actions]
  }
}
