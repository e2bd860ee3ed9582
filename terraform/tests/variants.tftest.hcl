# What must hold where an environment is set otherwise than it is. Settings that have nothing to do with
# each other share a plan, as each takes a quarter of a minute.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  artifacts_file = "tests/artifacts.json"
}

# With a response cache; and all functions as images, but for what the catalogue itself wants as an archive.
run "response_cache_and_images" {
  command = plan

  variables {
    emulated       = false
    response_cache = { size_gb = "0.5", ttl_seconds = 10 }
    package_type   = "Image"
  }

  assert {
    condition = module.rest_api.stage_guarantees.cache && toset([
      for path, settings in module.rest_api.stage_guarantees.method_settings : path if settings.caching_enabled
    ]) == toset([for route in local.routes.rest : "${replace(route.path, "/", "~1")}/${route.method}" if route.cached])
    error_message = "Switched on, the cache must hold what the catalogue marks as cached, and nothing else."
  }

  assert {
    condition = alltrue([
      for settings in module.rest_api.stage_guarantees.method_settings :
      settings.cache_data_encrypted && settings.require_authorization_for_cache_control if settings.caching_enabled
    ])
    error_message = "Cached answers must be encrypted, and dropped only by those who may."
  }

  assert {
    condition = alltrue([
      for logical, entry in local.catalogue.functions : module.function[logical].guarantees.package_type == try(entry.package_type, "Image")
    ])
    error_message = "What the catalogue says of a function's package must hold in every environment."
  }

  assert {
    condition     = module.function["call_ingestor"].guarantees.package_type == "Zip" && length(module.function["call_ingestor"].guarantees.layers) == 1
    error_message = "The ingestor of call records must be an archive on the shared layer, whatever the others are."
  }
}

# With tokens of somebody else and names of one's own; and all functions as archives with the shared layer.
run "foreign_issuer_own_domains_and_archives" {
  command = plan

  variables {
    package_type = "Zip"

    domains = {
      zone_id = "Z1234567890"
      names = {
        rest      = { name = "api.example.com", truststore = { uri = "s3://example-certificates/clients.pem" } }
        http      = { name = "calls.example.com" }
        websocket = { name = "events.example.com", certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/given" }
      }
    }
    tokens = { issuer = "https://issuer.example", jwks_url = "https://issuer.example/jwks.json", audience = "items" }
  }

  assert {
    condition = jsonencode([
      for grant in local.access["health_checker"] : grant.actions if grant.service == "secretsmanager"
    ]) == jsonencode([["GetSecretValue"], ["DescribeSecret"]])
    error_message = "Where somebody else issues tokens, nothing but their rotation may read our signing keys."
  }

  assert {
    condition = jsonencode([output.rest_api_url, output.http_api_url, output.websocket_api_url]) == jsonencode([
      "https://api.example.com/v1", "https://calls.example.com/v1", "wss://events.example.com/v1",
    ])
    error_message = "APIs must be known by their own names."
  }

  assert {
    condition = (
      local.environments["health_checker"].REST_API_URL == "https://api.example.com/v1" &&
      local.environments["health_checker"].WEBSOCKET_URL == "wss://events.example.com/v1" &&
      local.environments["health_checker"].CLIENT_CERTIFICATE_SECRET != "" &&
      !strcontains(local.sockets.realtime.endpoint, "example.com")
    )
    error_message = "The canary must come the way that clients come, with a certificate where they need one; connections are managed at API Gateway's own address."
  }

  assert {
    condition     = module.rest_api.stage_guarantees.own_domain_only && !module.http_api.guarantees.own_domain_only
    error_message = "Where clients need certificates, and only there, API Gateway's own address must be closed."
  }

  assert {
    condition     = alltrue([for function in module.function : function.guarantees.package_type == "Zip" && length(function.guarantees.layers) == 1])
    error_message = "As archives, all functions must run on the shared layer."
  }

  assert {
    condition     = alltrue([for logical, function in module.function : function.guarantees.handler == local.catalogue.functions[logical].handler])
    error_message = "As archives, all functions must run the catalogue's handlers."
  }

  assert {
    condition     = one(aws_lambda_layer_version.shared).compatible_architectures == toset(["arm64"])
    error_message = "The layer must be of the functions' architecture."
  }
}
