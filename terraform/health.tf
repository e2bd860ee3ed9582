# What the health checker looks at, and the alarms over what it finds.

locals {
  # An environment holds 4 KB of variables: names without what all of them share.
  health_settings = {
    HEALTH_LASTING_CHECKS = tostring(var.health.lasting_checks)
    RESOURCE_PREFIX       = "${local.name}-"
    EVENT_RULE            = trimprefix(local.rule_arns.items, "arn:aws:events:${local.region}:${local.account_id}:rule/")
    DEAD_LETTERS_OF = join(",", [
      for owner in concat(keys(local.functions), keys(local.queues), [for rule in keys(local.event_rules) : "${rule}-rule"]) : replace(owner, "_", "-")
    ])
    # From the same lag on as the alarms.
    STREAM_CONSUMERS = join(",", [for function, seconds in local.stream_old_seconds : "${replace(function, "_", "-")}=${seconds}"])
    QUEUES_CONSUMED  = join(",", [for queue, settings in local.queues : "${replace(queue, "_", "-")}=${try(settings.old_seconds, 900)}"])
  }

  canary_settings = {
    REST_API_URL = (
      var.emulated
      ? "${var.external.execute_api_url}/${module.rest_api.address.api}/${module.rest_api.address.stage}"
      : "https://${try(var.domains.names.rest.name, "${module.rest_api.address.api}.execute-api.${local.region}.amazonaws.com")}/${module.rest_api.address.stage}"
    )
    WEBSOCKET_URL        = try("wss://${var.domains.names.websocket.name}/${module.websocket_api.management.stage}", replace(local.sockets.realtime.endpoint, "/^http/", "ws"))
    CANARY_TENANT        = var.canary_tenant
    TOKEN_ISSUER         = local.tokens.issuer
    TOKEN_AUDIENCE       = local.tokens.audience
    TOKEN_SIGNING_SECRET = aws_secretsmanager_secret.this["token_signing"].arn
    # A foreign issuer signs no tokens of ours: the canary is a client of its.
    CANARY_CLIENT_SECRET = var.tokens.issuer == null ? "" : aws_secretsmanager_secret.this["canary_client"].arn
    # Where clients need certificates, so does the canary.
    CLIENT_CERTIFICATE_SECRET = local.certified_only.rest ? aws_secretsmanager_secret.this["canary_client"].arn : ""
  }
}

module "health_alarms" {
  source = "./modules/health_alarms"

  name             = local.name
  function_name    = local.functions.health_checker.name
  parts            = ["dynamodb", "s3", "sqs", "eventbridge", "secretsmanager", "redis", "mysql", "rest", "websocket"]
  lasting_checks   = var.health.lasting_checks
  namespace        = local.common_settings.POWERTOOLS_METRICS_NAMESPACE
  service          = local.common_settings.POWERTOOLS_SERVICE_NAME
  alerts_topic_arn = aws_sns_topic.alerts.arn
}
