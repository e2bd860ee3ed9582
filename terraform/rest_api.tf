locals {
  # Made from the Pydantic models by `make openapi`.
  gateway_contract = jsondecode(file("${path.module}/../openapi/gateway.json"))

  invocable = {
    for logical, function in module.function : logical => {
      name       = function.name
      alias      = function.alias.name
      invoke_arn = function.alias.invoke_arn
    }
  }
}

module "rest_api" {
  source = "./modules/rest_api"

  # API Gateway refuses a stage with logs until the account has a role to write them.
  depends_on = [aws_api_gateway_account.this]

  name            = "${local.name}-rest"
  own_domain_only = local.certified_only.rest
  description     = "Items of ${var.environment}, over REST."
  routes          = { for key, route in local.routes.rest : key => merge(route, { function = local.invocable[route.function] }) }
  authorizer      = merge(local.invocable[local.authorizers.rest], { ttl_seconds = var.authorizer_ttl_seconds })

  contract = {
    models  = { for name, schema in local.gateway_contract.models : name => jsonencode(schema) }
    methods = local.gateway_contract.methods
  }

  cors = {
    origin          = var.cors_origin
    allowed_headers = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Api-Key", "X-Correlation-Id"]
    exposed_headers = ["ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Correlation-Id"]
    max_age_seconds = 600
  }

  throttle         = var.throttle
  method_throttles = { for key, throttle in var.throttle.routes : key => throttle if contains(keys(local.routes.rest), key) }
  cache            = var.response_cache
  usage_plan       = var.usage_plan
  api_keys         = var.api_keys
  api_key_required = var.api_key_required

  log_retention_days    = var.log_retention_days
  kms_key_arn           = aws_kms_key.data.arn
  escape_settings_paths = !var.emulated
}

resource "aws_iam_role" "gateway_logs" {
  count = var.manage_gateway_account ? 1 : 0

  name                 = "${local.name}-gateway-logs"
  permissions_boundary = local.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# API Gateway checks for this very policy.
resource "aws_iam_role_policy_attachment" "gateway_logs" {
  count = var.manage_gateway_account ? 1 : 0

  role       = aws_iam_role.gateway_logs[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count = var.manage_gateway_account ? 1 : 0

  depends_on = [aws_iam_role_policy_attachment.gateway_logs]

  cloudwatch_role_arn = aws_iam_role.gateway_logs[0].arn
}
