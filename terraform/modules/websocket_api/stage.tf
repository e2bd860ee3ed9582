# The deployed API: how fast it may be called, what is logged and what is watched.

locals {
  # The same names as the other APIs' logs have.
  access_log_format = {
    request_id         = "$context.requestId"
    extended_id        = "$context.extendedRequestId"
    time               = "$context.requestTimeEpoch"
    connection_id      = "$context.connectionId"
    connected_at       = "$context.connectedAt"
    event              = "$context.eventType"
    route              = "$context.routeKey"
    status             = "$context.status"
    integration_ms     = "$context.integration.latency"
    integration_status = "$context.integration.status"
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

  gateway_terms = {
    for term, metric in {
      errors  = { name = "IntegrationError", stat = "Sum" }
      broken  = { name = "ExecutionError", stat = "Sum" }
      refused = { name = "ClientError", stat = "Sum" }
      # How often a function was called for a client. MessageCount is no measure of that: it counts
      # what is posted to clients as well, beside which all failures together would be few.
      answered = { name = "IntegrationLatency", stat = "SampleCount" }
    } : term => merge(metric, { namespace = "AWS/ApiGateway", dimensions = local.dimensions })
  }

  # A metric of which there is nothing in a minute is missing, and makes all missing that is added
  # to it.
  failed = "(FILL(errors, 0) + FILL(broken, 0))"
  called = "(FILL(answered, 0) + ${local.failed})"

  rates = merge(
    {
      failures = {
        description = "More than 1 % of frames and handshakes fail: the function's errors, or the gateway's."
        threshold   = 1
        expression  = "IF(${local.called} > 0, 100 * ${local.failed} / ${local.called}, 0)"
        terms       = { for term in ["errors", "broken", "answered"] : term => local.gateway_terms[term] }
      }
      # Handshakes without good credentials, and more than the throttle allows.
      refusals = {
        description = "More than half of what clients send is refused, and more than a hundred times a minute."
        threshold   = 50
        expression  = "IF(refused > 100, 100 * refused / (refused + FILL(answered, 0)), 0)"
        terms       = { for term in ["refused", "answered"] : term => local.gateway_terms[term] }
      }
    },
    # A function that answers clients says what went wrong in a frame: it does not fail, for Lambda
    # and for the gateway.
    {
      for name in toset([for key in local.answered : var.routes[key].function.name]) : name => {
        name        = "${name}-server-errors"
        description = "More than 1 % of frames are answered with an error of ours, or of what we need."
        threshold   = 1
        expression  = "IF(requests > 0, 100 * FILL(failures, 0) / requests, 0)"
        terms = {
          for term, metric in { failures = "ServerErrors", requests = "Requests" } :
          term => { name = metric, stat = "Sum", namespace = var.metrics.namespace, dimensions = { function = name, service = var.metrics.service } }
        }
      }
    },
  )
}

# A deployment is a copy of the API: a new one is made when anything in it has changed.
resource "aws_apigatewayv2_deployment" "this" {
  depends_on = [
    aws_apigatewayv2_route.this,
    aws_apigatewayv2_route_response.this,
    aws_lambda_permission.authorizer,
    aws_lambda_permission.route,
  ]

  api_id = aws_apigatewayv2_api.this.id

  triggers = {
    inputs = sha256(jsonencode([var.routes, var.authorizer]))
    module = sha256(join("", [for file in sort(fileset(path.module, "*.tf")) : filesha256("${path.module}/${file}")]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_stage" "this" {
  api_id        = aws_apigatewayv2_api.this.id
  name          = var.stage_name
  deployment_id = aws_apigatewayv2_deployment.this.id

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.access_log_format)
  }

  default_route_settings {
    detailed_metrics_enabled = true
    logging_level            = "ERROR"
    data_trace_enabled       = false # it would log tokens and events
    throttling_rate_limit    = var.throttle.rate
    throttling_burst_limit   = var.throttle.burst
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}/access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  for_each = local.rates

  alarm_name          = try(each.value.name, "${var.name}-${each.key}")
  alarm_description   = each.value.description
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alerts_topic_arn]
  ok_actions          = [var.alerts_topic_arn]

  metric_query {
    id          = "rate"
    label       = "${each.key} (%)"
    expression  = each.value.expression
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.terms
    content {
      id = metric_query.key
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        stat        = metric_query.value.stat
        period      = 60
        dimensions  = metric_query.value.dimensions
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "latency" {
  alarm_name          = "${var.name}-latency"
  alarm_description   = "One message in a hundred is answered after more than ${var.alarm_latency_ms} ms."
  namespace           = "AWS/ApiGateway"
  metric_name         = "IntegrationLatency"
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
