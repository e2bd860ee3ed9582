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
