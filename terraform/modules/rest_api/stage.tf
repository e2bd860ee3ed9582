# The deployed API: what is live, how fast it may be called, what is logged and what is cached.

locals {
  stage_settings = {
    metrics_enabled        = true
    logging_level          = "ERROR"
    data_trace_enabled     = false # it would log tokens and bodies
    throttling_rate_limit  = var.throttle.rate
    throttling_burst_limit = var.throttle.burst
    caching_enabled        = false
  }

  # API Gateway reads a settings path as a JSON Pointer, in which the slashes of a name are "~1".
  settings_paths = {
    for path in local.paths : path => var.escape_settings_paths ? replace(path, "/", "~1") : trimprefix(path, "/")
  }

  # A method's own settings replace the stage's, all of them.
  method_settings = merge(
    { "*/*" = local.stage_settings },
    {
      for key, method in local.methods : "${local.settings_paths[method.path]}/${method.method}" => merge(
        local.stage_settings,
        { for name, value in try(var.method_throttles[key], {}) : "throttling_${name}_limit" => value },
        { caching_enabled = method.cached && var.cache != null },
      ) if contains(keys(var.method_throttles), key) || (method.cached && var.cache != null)
    },
  )

  # Short names keep a line readable; the latency parts tell the gateway's time from the function's.
  access_log_format = {
    request_id         = "$context.requestId"
    extended_id        = "$context.extendedRequestId"
    trace_id           = "$context.xrayTraceId"
    time               = "$context.requestTimeEpoch"
    method             = "$context.httpMethod"
    path               = "$context.resourcePath"
    status             = "$context.status"
    protocol           = "$context.protocol"
    response_bytes     = "$context.responseLength"
    response_ms        = "$context.responseLatency"
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
}

# A deployment is a copy of the API: a new one is made when anything in it has changed.
resource "aws_api_gateway_deployment" "this" {
  depends_on = [
    aws_api_gateway_integration.route,
    aws_api_gateway_integration_response.preflight,
    aws_api_gateway_gateway_response.problem,
    aws_lambda_permission.route,
    aws_lambda_permission.authorizer,
  ]

  rest_api_id = aws_api_gateway_rest_api.this.id

  triggers = {
    inputs = sha256(jsonencode([local.methods, var.contract, var.authorizer, var.cors, var.api_key_required, var.own_domain_only]))
    module = sha256(join("", [for file in sort(fileset(path.module, "*.tf")) : filesha256("${path.module}/${file}")]))
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "this" {
  rest_api_id           = aws_api_gateway_rest_api.this.id
  deployment_id         = aws_api_gateway_deployment.this.id
  stage_name            = var.stage_name
  xray_tracing_enabled  = true
  cache_cluster_enabled = var.cache == null ? null : true
  cache_cluster_size    = try(var.cache.size_gb, null)

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.access_log_format)
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}/access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_api_gateway_method_settings" "this" {
  for_each = local.method_settings

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = each.key

  settings {
    metrics_enabled        = each.value.metrics_enabled
    logging_level          = each.value.logging_level
    data_trace_enabled     = each.value.data_trace_enabled
    throttling_rate_limit  = each.value.throttling_rate_limit
    throttling_burst_limit = each.value.throttling_burst_limit
    caching_enabled        = each.value.caching_enabled

    cache_data_encrypted                       = var.cache == null ? null : true
    cache_ttl_in_seconds                       = try(var.cache.ttl_seconds, null)
    require_authorization_for_cache_control    = var.cache == null ? null : true
    unauthorized_cache_control_header_strategy = var.cache == null ? null : "SUCCEED_WITHOUT_RESPONSE_HEADER"
  }
}

resource "aws_api_gateway_usage_plan" "this" {
  name        = var.name
  description = "Rate and quota of each API key of ${var.name}."

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  throttle_settings {
    rate_limit  = var.usage_plan.rate
    burst_limit = var.usage_plan.burst
  }

  quota_settings {
    limit  = var.usage_plan.quota
    period = var.usage_plan.period
  }
}

resource "aws_api_gateway_api_key" "this" {
  for_each = var.api_keys

  name        = "${var.name}-${each.key}"
  description = "Key of ${each.key}."
}

resource "aws_api_gateway_usage_plan_key" "this" {
  for_each = aws_api_gateway_api_key.this

  key_id        = each.value.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.this.id
}
