# The eight alarms of a function. A breach must last, except where one event is already a fault.

locals {
  dimensions         = { FunctionName = var.name }
  stream_old_seconds = coalesce(var.stream_old_seconds, 60)

  alarms = merge(
    {
      errors = {
        description         = "More than 1 % of invocations fail."
        threshold           = 1
        evaluation_periods  = 3
        datapoints_to_alarm = 2
        expression          = "IF(invocations > 0, 100 * errors / invocations, 0)"
        terms               = { for term in ["errors", "invocations"] : term => merge(local.lambda_terms[term], { dimensions = local.dimensions }) }
      }
      # Of the newest version alone, whatever its share: while the alias has weights, the other
      # version's good answers must not hide its bad ones.
      canary = {
        description = "More than 1 % of the newest version's invocations fail, or are answered with an error of ours."
        threshold   = 1
        expression  = "IF(invocations > 0, 100 * (FILL(errors, 0) + FILL(server_errors, 0)) / invocations, 0)"
        terms = merge(
          { for term in ["errors", "invocations"] : term => merge(local.lambda_terms[term], { dimensions = local.version_dimensions }) },
          {
            server_errors = {
              namespace  = var.metrics.namespace
              metric     = "ServerErrors"
              dimensions = { function = var.name, service = var.metrics.service, version = aws_lambda_function.this.version }
            }
          },
        )
      }
      canary_duration = merge(local.slow, {
        description = "One of the newest version's invocations in a hundred takes more than 80 % of the time-out (ms)."
        dimensions  = local.version_dimensions
      })
      duration = merge(local.slow, {
        description = "One invocation in a hundred takes more than 80 % of the time-out (ms)."
        dimensions  = local.dimensions
      })
      throttles = {
        description = "Invocations are refused: the reserved concurrency is used up."
        metric      = "Throttles"
        statistic   = "Sum"
        threshold   = 0
      }
      concurrency = {
        description = "More than 80 % of the reserved concurrency is in use."
        metric      = "ConcurrentExecutions"
        statistic   = "Maximum"
        # Of less than five, 80 % is nothing unusual: there the alarm is silent, and that of throttles
        # tells of it.
        threshold = var.reserved_concurrency < 5 ? var.reserved_concurrency : 0.8 * var.reserved_concurrency
      }
      dead_letters = {
        description = "Events that failed for good wait to be looked at and redriven."
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        statistic   = "Maximum"
        threshold   = 0
        dimensions  = { QueueName = module.dead_letters.name }
      }
    },
    contains(var.consumes, "stream") ? {
      iterator_age = {
        description = "The function is more than ${local.stream_old_seconds} s behind its stream (ms)."
        metric      = "IteratorAge"
        statistic   = "Maximum"
        threshold   = 1000 * local.stream_old_seconds
      }
    } : {},
  )

  slow = {
    metric              = "Duration"
    statistic           = "p99"
    threshold           = 800 * var.timeout
    evaluation_periods  = 3
    datapoints_to_alarm = 2
  }

  # Terms of expressions, by the names these know them by.
  lambda_terms = { for term in ["errors", "invocations"] : term => { namespace = "AWS/Lambda", metric = title(term) } }

  # Lambda's for what an alias sends to one version.
  version_dimensions = {
    FunctionName    = var.name
    Resource        = "${var.name}:live"
    ExecutedVersion = aws_lambda_function.this.version
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = try(each.value.evaluation_periods, 1)
  datapoints_to_alarm = try(each.value.datapoints_to_alarm, 1)
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]

  # One metric …
  namespace          = can(each.value.metric) ? try(each.value.namespace, "AWS/Lambda") : null
  metric_name        = try(each.value.metric, null)
  period             = can(each.value.metric) ? 60 : null
  statistic          = try(startswith(each.value.statistic, "p") ? null : each.value.statistic, null)
  extended_statistic = try(startswith(each.value.statistic, "p") ? each.value.statistic : null, null)
  dimensions         = can(each.value.metric) ? try(each.value.dimensions, local.dimensions) : null

  # … or an expression over several.
  dynamic "metric_query" {
    for_each = can(each.value.expression) ? [each.value.expression] : []
    content {
      id          = "rate"
      label       = "Error rate (%)"
      expression  = metric_query.value
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = try(each.value.terms, {})
    content {
      id = metric_query.key
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        stat        = "Sum"
        period      = 60
        dimensions  = metric_query.value.dimensions
      }
    }
  }
}
