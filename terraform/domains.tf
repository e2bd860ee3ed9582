# Names of one's own for the APIs, where there are any.

module "domain" {
  source   = "./modules/domain"
  for_each = var.domains.names

  name            = each.value.name
  zone_id         = var.domains.zone_id
  certificate_arn = each.value.certificate_arn
  truststore      = each.value.truststore

  api = {
    rest      = { id = module.rest_api.id, stage = module.rest_api.stage, scheme = "https" }
    http      = { id = module.http_api.id, stage = module.http_api.stage, scheme = "https" }
    websocket = { id = module.websocket_api.id, stage = module.websocket_api.stage, scheme = "wss" }
  }[each.key]
}

locals {
  # Where clients need certificates, API Gateway's own address would be a way around them.
  certified_only = { for api in ["rest", "http"] : api => try(var.domains.names[api].truststore, null) != null }
}
