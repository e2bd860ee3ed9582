# The routes: who may call, what the gateway checks, and which function answers.

locals {
  path_parameters = {
    for path in local.paths : path => [
      for part in split("/", path) : "method.request.path.${trim(part, "{}+")}" if startswith(part, "{")
    ]
  }

  methods = {
    for key, route in var.routes : key => merge(route, {
      body_model = try(var.contract.methods[key].body_model, null)

      # true: required; false: known, so that the cache may tell answers apart by it.
      parameters = merge(
        { for name in try(var.contract.methods[key].optional_parameters, []) : name => false },
        { for name in try(var.contract.methods[key].required_parameters, []) : name => true },
        { for name in local.path_parameters[route.path] : name => true },
        route.cached && route.scope != null ? { "method.request.header.Authorization" = true } : {},
        route.cached ? { "method.request.header.If-None-Match" = false } : {},
      )
    })
  }
}

resource "aws_api_gateway_authorizer" "token" {
  name        = "token"
  rest_api_id = aws_api_gateway_rest_api.this.id
  type        = "TOKEN"

  authorizer_uri                   = var.authorizer.invoke_arn
  authorizer_result_ttl_in_seconds = var.authorizer.ttl_seconds
  identity_source                  = "method.request.header.Authorization"
  # What is not shaped like a bearer token (RFC 6750) is refused without waking the authorizer.
  identity_validation_expression = "^[Bb]earer [-A-Za-z0-9._~+/]+=*$"
}

resource "aws_api_gateway_request_validator" "everything" {
  name                        = "everything"
  rest_api_id                 = aws_api_gateway_rest_api.this.id
  validate_request_body       = true
  validate_request_parameters = true
}

resource "aws_api_gateway_model" "this" {
  for_each = var.contract.models

  rest_api_id  = aws_api_gateway_rest_api.this.id
  name         = each.key
  content_type = "application/json"
  schema       = each.value
}

resource "aws_api_gateway_method" "route" {
  for_each = local.methods

  rest_api_id          = aws_api_gateway_rest_api.this.id
  resource_id          = local.resource_ids[each.value.path]
  http_method          = each.value.method
  authorization        = each.value.scope == null ? "NONE" : "CUSTOM"
  authorizer_id        = each.value.scope == null ? null : aws_api_gateway_authorizer.token.id
  api_key_required     = var.api_key_required
  request_validator_id = aws_api_gateway_request_validator.everything.id
  request_parameters   = each.value.parameters
  request_models       = each.value.body_model == null ? null : { "application/json" = aws_api_gateway_model.this[each.value.body_model].name }
}

resource "aws_api_gateway_integration" "route" {
  for_each = local.methods

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = aws_api_gateway_method.route[each.key].resource_id
  http_method             = aws_api_gateway_method.route[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = each.value.function.invoke_arn
  cache_key_parameters    = each.value.cached ? keys(each.value.parameters) : []
}

# Each function may be called by its own routes only.
resource "aws_lambda_permission" "route" {
  for_each = local.methods

  statement_id  = "rest-${lower(each.value.method)}${replace(replace(each.value.path, "/[{}.]/", ""), "/", "-")}"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = each.value.function.name
  qualifier     = each.value.function.alias
  # The gateway writes * for path parameters in the ARN of a call.
  source_arn = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage_name}/${each.value.method}${replace(each.value.path, "/{[^}]+}/", "*")}"
}

resource "aws_lambda_permission" "authorizer" {
  statement_id  = "rest-authorizer"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = var.authorizer.name
  qualifier     = var.authorizer.alias
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/authorizers/${aws_api_gateway_authorizer.token.id}"
}
