# An HTTP API from a list of routes: one Lambda integration for each function, one route for each
# method and path, every one behind the same authorizer.

locals {
  functions = { for route in var.routes : route.function.name => route.function... }

  # A function may answer several routes.
  integrations = { for name, functions in local.functions : name => functions[0] }
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = var.description
  protocol_type = "HTTP"

  disable_execute_api_endpoint = var.own_domain_only

  # The gateway answers preflights itself, and puts these on every answer.
  cors_configuration {
    allow_origins  = [var.cors.origin]
    allow_methods  = sort(distinct([for route in var.routes : route.method]))
    allow_headers  = var.cors.allowed_headers
    expose_headers = var.cors.exposed_headers
    max_age        = var.cors.max_age_seconds
  }
}

resource "aws_apigatewayv2_authorizer" "token" {
  api_id                            = aws_apigatewayv2_api.this.id
  name                              = "token"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = var.authorizer.invoke_arn
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  identity_sources                  = ["$request.header.Authorization"]
  authorizer_result_ttl_in_seconds  = var.authorizer.ttl_seconds

  lifecycle {
    # The emulator reads back an empty one.
    ignore_changes = [jwt_configuration]
  }
}

resource "aws_apigatewayv2_integration" "function" {
  for_each = local.integrations

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = each.value.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "this" {
  for_each = var.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.function[each.value.function.name].id}"
  authorization_type = each.value.scope == null ? "NONE" : "CUSTOM"
  authorizer_id      = each.value.scope == null ? null : aws_apigatewayv2_authorizer.token.id
}

# Each function may be called by its own routes only.
resource "aws_lambda_permission" "route" {
  for_each = var.routes

  statement_id  = "http-${lower(each.value.method)}${replace(replace(each.value.path, "/[{}.]/", ""), "/", "-")}"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = each.value.function.name
  qualifier     = each.value.function.alias
  # The gateway writes path parameters as the route does, where IAM reads * for any text.
  source_arn = "${aws_apigatewayv2_api.this.execution_arn}/${var.stage_name}/${each.value.method}${replace(each.value.path, "/{[^}]+}/", "*")}"
}

resource "aws_lambda_permission" "authorizer" {
  statement_id  = "http-authorizer"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = var.authorizer.name
  qualifier     = var.authorizer.alias
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.token.id}"
}
