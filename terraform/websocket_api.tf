module "websocket_api" {
  source = "./modules/websocket_api"

  name        = "${local.name}-websocket"
  description = "Events of ${var.environment} as they happen, over WebSocket."
  routes = {
    for key, route in local.websocket_routes : key => { answers = route.answers, function = local.invocable[route.function] }
  }
  authorizer = local.invocable[local.authorizers.websocket]
  throttle   = var.throttle
  metrics    = local.metrics

  log_retention_days = var.log_retention_days
  kms_key_arn        = aws_kms_key.data.arn
  alerts_topic_arn   = aws_sns_topic.alerts.arn
}

locals {
  # Where functions send to and close connections, by the API's logical name.
  sockets = {
    for name, management in { realtime = module.websocket_api.management } : name => {
      arn                              = management.arn
      endpoint = (
        var.emulated
        ? "${var.external.execute_api_url}/${management.api}/${management.stage}"
        : "https://${management.api}.execute-api.${local.region}.amazonaws.com/${management.stage}"
      )
    }
  }
}
