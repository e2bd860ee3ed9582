# The catalogue of functions, with its defaults filled in, and what packaging made of them.

locals {
  name       = "itemstream-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.name

  catalogue      = yamldecode(file("${path.module}/../functions.yaml"))
  artifacts      = jsondecode(file(var.artifacts_file))
  artifacts_path = dirname(var.artifacts_file)

  functions = {
    for logical, entry in local.catalogue.functions : logical => {
      name         = "${local.name}-${replace(logical, "_", "-")}"
      family       = entry.family
      handler      = entry.handler
      description  = entry.description
      package_type = try(entry.package_type, coalesce(var.package_type, local.catalogue.defaults.package_type))
      memory       = try(entry.memory, local.catalogue.defaults.memory)
      timeout      = try(entry.timeout, local.catalogue.defaults.timeout)
      concurrency  = merge(local.catalogue.defaults.concurrency, try(entry.concurrency, {}))
      routes       = [for route in try(entry.routes, []) : merge({ api = "rest", cached = false }, route)]
      authorizer   = try(entry.authorizer, null)
      access       = try(entry.access, {})
      network      = try(entry.network, [])
      settings     = try(entry.settings, [])
      rate_limit   = try(entry.rate_limit, null)
      consumes     = try(entry.consumes, [])
      at_once      = try(entry.deployment, null) == "all_at_once"
    }
  }

  # Routes of each API, by "METHOD /path".
  routes = {
    for api in ["rest", "http"] : api => merge([
      for logical, function in local.functions : {
        for route in function.routes : "${route.method} ${route.path}" => {
          method   = route.method
          path     = route.path
          scope    = route.scope
          cached   = route.cached
          function = logical
        } if route.api == api
      }
    ]...)
  }

  # Routes of the WebSocket API, by their key.
  websocket_routes = merge([
    for logical, function in local.functions : {
      for route in function.routes : route.key => { answers = try(route.answers, false), function = logical } if route.api == "websocket"
    }
  ]...)

  authorizers = { for logical, function in local.functions : function.authorizer => logical if function.authorizer != null }
}
