# The deployed API: how fast it may be called, what is logged and what is watched.

locals {
  # The same names as the REST API's log has.
  access_log_format = {
    request_id         = "$context.requestId"
    extended_id        = "$context.extendedRequestId"
    time               = "$context.requestTimeEpoch"
    method             = "$context.httpMethod"
    path               = "$context.path"
    route              = "$context.routeKey"
    status             = "$context.status"
    protocol           = "$context.protocol"
    response_bytes     = "$context.responseLength"
    response_ms        = "$context.responseLatency"
    integration_ms     = "$context.integration.latency"
    integration_status = "$context.integration.integrationStatus"
    integration_error  = "$context.integration.error"
    authorizer_ms      = "$context.authorizer.latency"
    authorizer_error   = "$context.authorizer.error"
    tenant             = "$context.authorizer.tenant"
    gateway_response   = "$context.error.responseType"
    gateway_cause      = "$context.error.message"
    source_ip          = "$context.identity.sourceIp"
    user_agent         = "$context.identity.userAgent"
  }

  dimensions = { ApiId = aws_apigatewayv2_api.this.id, Stage = var.stage_name }
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = var.stage_name
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.access_log_format)
  }

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.throttle.rate
    throttling_burst_limit   = var.throttle.burst
  }

  dynamic "route_settings" {
    for_each = var.route_throttles
    content {
      route_key                = aws_apigatewayv2_route.this[route_settings.key].route_key
      detailed_metrics_enabled = true
      throttling_rate_limit    = route_settings.value.rate
      throttling_burst_limit   = route_settings.value.burst
    }
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}/access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  alarm_name          = "${var.name}-failures"
  alarm_description   = "More than 1 % of calls are answered 5xx."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]

  metric_query {
    id          = "rate"
    label       = "5xx (%)"
    expression  = "IF(calls > 0, 100 * failures / calls, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { failures = "5xx", calls = "Count" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApiGateway"
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 60
        dimensions  = local.dimensions
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${var.name}-latency"
  alarm_description   = "One call in a hundred takes more than ${var.alarm_latency_ms} ms."
  namespace           = "AWS/ApiGateway"
  metric_name         = "Latency"
  extended_statistic  = "p99"
  period              = 60
  dimensions          = local.dimensions
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm_latency_ms
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]
}
