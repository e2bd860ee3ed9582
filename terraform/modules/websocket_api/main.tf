# A WebSocket API from a list of routes: one Lambda integration for each function, an authorizer
# that whoever connects has to pass, and answers where a route has one.

locals {
  functions = { for route in var.routes : route.function.name => route.function... }

  # A function may answer several routes.
  integrations = { for name, functions in local.functions : name => functions[0] }

  answered = toset([for key, route in var.routes : key if route.answers])
}

resource "aws_apigatewayv2_api" "this" {
  name                       = var.name
  description                = var.description
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.action"
}

# Without identity sources: credentials may come in one of two places, and a request without a
# source that is named would be refused before the authorizer is asked.
resource "aws_apigatewayv2_authorizer" "token" {
  api_id          = aws_apigatewayv2_api.this.id
  name            = "token"
  authorizer_type = "REQUEST"
  authorizer_uri  = var.authorizer.invoke_arn

  lifecycle {
    # The emulator reads back what was never set.
    ignore_changes = [authorizer_payload_format_version, jwt_configuration]
  }
}

resource "aws_apigatewayv2_integration" "function" {
  for_each = local.integrations

  api_id             = aws_apigatewayv2_api.this.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = each.value.invoke_arn
}

# Who has connected is known from then on: only $connect can have an authorizer.
resource "aws_apigatewayv2_route" "this" {
  # checkov:skip=CKV_AWS_309: API Gateway refuses an authorizer on any other route
  for_each = var.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.function[each.value.function.name].id}"
  authorization_type = each.key == "$connect" ? "CUSTOM" : "NONE"
  authorizer_id      = each.key == "$connect" ? aws_apigatewayv2_authorizer.token.id : null

  route_response_selection_expression = each.value.answers ? "$default" : null
}

# Without one, what the function returns is dropped.
resource "aws_apigatewayv2_route_response" "this" {
  for_each = local.answered

  api_id             = aws_apigatewayv2_api.this.id
  route_id           = aws_apigatewayv2_route.this[each.key].id
  route_response_key = "$default"
}

# Each function may be called by its own routes only.
resource "aws_lambda_permission" "route" {
  for_each = var.routes

  statement_id  = "websocket-${replace(each.key, "$", "")}"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = each.value.function.name
  qualifier     = each.value.function.alias
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/${var.stage_name}/${each.key}"
}

resource "aws_lambda_permission" "authorizer" {
  statement_id  = "websocket-authorizer"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = var.authorizer.name
  qualifier     = var.authorizer.alias
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.token.id}"
}
