# A queue is watched for what waits too long, for how much waits, and for what failed. One that
# has no dead-letter queue holds dead letters itself.

locals {
  failed = {
    description = "Messages that failed for good wait to be looked at and redriven."
    metric      = "ApproximateNumberOfMessagesVisible"
    threshold   = 0
    queue       = local.has_dead_letters ? local.dead_letter_name : var.name
  }

  alarms = !var.watched ? {} : merge(
    { dead_letters = local.failed },
    local.has_dead_letters ? {
      age = {
        description = "The oldest message waits for more than ${var.alarm_at.age_seconds} s: nobody reads, or all reads fail."
        metric      = "ApproximateAgeOfOldestMessage"
        threshold   = var.alarm_at.age_seconds
        queue       = var.name
      }
      depth = {
        description = "More than ${var.alarm_at.depth} messages wait: they come faster than they are read."
        metric      = "ApproximateNumberOfMessagesVisible"
        threshold   = var.alarm_at.depth
        queue       = var.name
      }
    } : {},
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  statistic           = "Maximum"
  period              = 60
  dimensions          = { QueueName = each.value.queue }
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}
