module "http_api" {
  source = "./modules/http_api"

  name            = "${local.name}-http"
  own_domain_only = local.certified_only.http
  description     = "Call records of ${var.environment}, over HTTP."
  routes          = { for key, route in local.routes.http : key => merge(route, { function = local.invocable[route.function] }) }
  authorizer      = merge(local.invocable[local.authorizers.http], { ttl_seconds = var.authorizer_ttl_seconds })

  cors = {
    origin          = var.cors_origin
    allowed_headers = ["authorization", "content-type", "x-correlation-id"]
    exposed_headers = ["retry-after", "x-correlation-id"]
    max_age_seconds = 600
  }

  throttle        = var.throttle
  route_throttles = { for key, throttle in var.throttle.routes : key => throttle if contains(keys(local.routes.http), key) }

  log_retention_days = var.log_retention_days
  kms_key_arn        = aws_kms_key.data.arn
  alerts_topic_arn   = aws_sns_topic.alerts.arn
}
