# Preflight requests are answered by the gateway itself.

locals {
  allowed_methods = {
    for path in local.paths : path => sort(concat(["OPTIONS"], [for route in var.routes : route.method if route.path == path]))
  }

  cors_headers = {
    Access-Control-Allow-Origin   = var.cors.origin
    Access-Control-Expose-Headers = join(",", var.cors.exposed_headers)
  }
}

resource "aws_api_gateway_method" "preflight" {
  for_each = local.allowed_methods

  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = local.resource_ids[each.key]
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "preflight" {
  for_each = aws_api_gateway_method.preflight

  rest_api_id       = aws_api_gateway_rest_api.this.id
  resource_id       = each.value.resource_id
  http_method       = each.value.http_method
  type              = "MOCK"
  request_templates = { "application/json" = jsonencode({ statusCode = 204 }) }

  lifecycle {
    # The emulator reads back a POST that a MOCK integration does not have.
    ignore_changes = [integration_http_method]
  }
}

resource "aws_api_gateway_method_response" "preflight" {
  for_each = aws_api_gateway_integration.preflight

  rest_api_id = aws_api_gateway_rest_api.this.id
  resource_id = each.value.resource_id
  http_method = each.value.http_method
  status_code = "204"

  response_parameters = {
    "method.response.header.Access-Control-Allow-Origin"  = true
    "method.response.header.Access-Control-Allow-Methods" = true
    "method.response.header.Access-Control-Allow-Headers" = true
    "method.response.header.Access-Control-Max-Age"       = true
  }
}

resource "aws_api_gateway_integration_response" "preflight" {
  for_each = aws_api_gateway_method_response.preflight

  rest_api_id = aws_api_gateway_rest_api.this.id
  resource_id = each.value.resource_id
  http_method = each.value.http_method
  status_code = each.value.status_code

  response_parameters = {
    "method.response.header.Access-Control-Allow-Origin"  = "'${var.cors.origin}'"
    "method.response.header.Access-Control-Allow-Methods" = "'${join(",", local.allowed_methods[each.key])}'"
    "method.response.header.Access-Control-Allow-Headers" = "'${join(",", var.cors.allowed_headers)}'"
    "method.response.header.Access-Control-Max-Age"       = "'${var.cors.max_age_seconds}'"
  }
}
