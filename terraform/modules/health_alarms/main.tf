# Alarms over what the health checker finds, and one over the checker itself. Dead letters and
# consumers that are behind have alarms of their own, where they are.

resource "aws_cloudwatch_metric_alarm" "part" {
  for_each = var.parts

  alarm_name          = "${var.name}-health-${each.key}"
  alarm_description   = "${var.lasting_checks} checks in a row found ${each.key} down."
  namespace           = var.namespace
  metric_name         = "HealthState"
  dimensions          = { service = var.service, part = each.key }
  statistic           = "Minimum"
  period              = 60
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 2
  evaluation_periods  = var.lasting_checks
  datapoints_to_alarm = var.lasting_checks
  # Who says nothing is missed by the alarm below.
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.alerts_topic_arn]
  ok_actions         = [var.alerts_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "${var.name}-health-silent"
  alarm_description   = "No check was recorded for five minutes: nobody knows how the platform is."
  namespace           = var.namespace
  metric_name         = "HealthChecks"
  dimensions          = { service = var.service, function = var.function_name }
  statistic           = "Sum"
  period              = 60
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "breaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}
