# What is told before it hurts. docs/runbooks/database.md says what to do.

locals {
  instance = { DBInstanceIdentifier = var.name }
  proxy    = { ProxyName = aws_db_proxy.this.name }

  alarms = {
    cpu = {
      description = "The database uses more than 80 % of its processors."
      metric      = "CPUUtilization"
      statistic   = "Average"
      threshold   = 80
      minutes     = 15
      dimensions  = local.instance
    }
    storage = {
      description = "Less than a tenth of the storage that it began with is free (bytes): it should have grown by itself."
      metric      = "FreeStorageSpace"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = var.storage.gb * 1024 * 1024 * 1024 / 10
      minutes     = 5
      dimensions  = local.instance
    }
    memory = {
      description = "Less than 128 MiB of memory are free (bytes)."
      metric      = "FreeableMemory"
      statistic   = "Average"
      comparison  = "LessThanThreshold"
      threshold   = 128 * 1024 * 1024
      minutes     = 15
      dimensions  = local.instance
    }
    pinned_sessions = {
      description = "Clients of the proxy hold connections to the database for themselves: a statement changes the session."
      metric      = "DatabaseConnectionsCurrentlySessionPinned"
      statistic   = "Minimum"
      threshold   = 0
      minutes     = 5
      dimensions  = local.proxy
    }
    waiting_clients = {
      description = "Clients wait for more than half a second on average until the proxy lends them a connection (µs)."
      metric      = "DatabaseConnectionsBorrowLatency"
      statistic   = "Average"
      threshold   = 500000
      minutes     = 5
      dimensions  = local.proxy
    }
    deadlocks = {
      description = "More than ten transactions in five minutes were ended by deadlocks; they are tried again."
      namespace   = local.deadlocks.namespace
      metric      = local.deadlocks.metric
      statistic   = "Sum"
      threshold   = 10
      minutes     = 5
      dimensions  = null
    }
  }

  deadlocks = { namespace = "Itemstream/Database", metric = "${var.name}-deadlocks" }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-database-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  namespace           = try(each.value.namespace, "AWS/RDS")
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  period              = 60 * each.value.minutes
  comparison_operator = try(each.value.comparison, "GreaterThanThreshold")
  threshold           = each.value.threshold
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}

# Of what the proxy may open, how much is open.
resource "aws_cloudwatch_metric_alarm" "connections" {
  alarm_name          = "${var.name}-database-connections"
  alarm_description   = "The proxy has opened more than 80 % of the connections that it may."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]

  metric_query {
    id          = "share"
    label       = "Connections in use (%)"
    expression  = "100 * open / allowed"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { open = "DatabaseConnections", allowed = "MaxDatabaseConnectionsAllowed" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/RDS"
        metric_name = metric_query.value
        stat        = "Maximum"
        period      = 60
        dimensions  = local.proxy
      }
    }
  }
}

# RDS for MySQL counts no deadlocks; the server writes a note of each (MY-012468).
resource "aws_cloudwatch_log_metric_filter" "deadlocks" {
  name           = "deadlocks"
  log_group_name = aws_cloudwatch_log_group.instance["error"].name
  pattern        = "\"MY-012468\""

  metric_transformation {
    namespace     = local.deadlocks.namespace
    name          = local.deadlocks.metric
    value         = "1"
    default_value = "0"
  }
}
