# Alarms over the cleanup: it failed at something, did not run, or does not keep up with bronze.

locals {
  cleanup_alarms = {
    errors = {
      description = "The cleanup could not remove something, or a task of it failed."
      metric      = "CleanupErrors"
      operator    = "GreaterThanThreshold"
      threshold   = 0
      periods     = 1
      missing     = "notBreaching"
    }
    # DynamoDB removes what is not archived in time. A run that comes to its end makes a day good.
    bronze_unfinished = {
      description = "For three days no run has archived all of bronze that is due: rows may end unarchived."
      metric      = "CleanupUnfinished"
      dimensions  = { service = local.common_settings.POWERTOOLS_SERVICE_NAME, task = "bronze" }
      statistic   = "Minimum"
      operator    = "GreaterThanThreshold"
      threshold   = 0
      hours       = 24
      periods     = 3
      missing     = "notBreaching"
    }
    # Two hours more than a day, for a run that is late.
    missing = {
      description = "No cleanup has come to its end for 26 hours: what is over stays."
      metric      = "CleanupRuns"
      operator    = "LessThanThreshold"
      threshold   = 1
      periods     = 26
      missing     = "breaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "cleanup" {
  for_each = local.cleanup_alarms

  alarm_name          = "${local.name}-cleanup-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  namespace           = local.common_settings.POWERTOOLS_METRICS_NAMESPACE
  metric_name         = each.value.metric
  dimensions          = try(each.value.dimensions, { service = local.common_settings.POWERTOOLS_SERVICE_NAME, function = local.functions.cleanup_job.name })
  statistic           = try(each.value.statistic, "Sum")
  period              = 3600 * try(each.value.hours, 1)
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}
