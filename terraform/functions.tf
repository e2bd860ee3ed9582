# Every function of the catalogue: its code, its settings, and the access that it names.

locals {
  # Groups of environment variables that a function asks for under `settings`.
  settings = {
    items = { ITEMS_SHARDS = tostring(var.items_shards) }
    cache = {
      REDIS_URL        = local.cache.url
      REDIS_CACHE_NAME = local.cache.name
      REDIS_IAM_USER   = local.cache.iam_user
    }
    cursors = { CURSOR_SIGNING_SECRET = aws_secretsmanager_secret.this["cursor_signing"].arn }
    tokens = {
      JWKS_URL              = local.tokens.jwks_url
      JWKS_COOLDOWN_SECONDS = tostring(var.tokens.cooldown_seconds)
      JWKS_MAX_AGE_SECONDS  = tostring(var.tokens.max_age_seconds)
      TOKEN_ISSUER          = local.tokens.issuer
      TOKEN_AUDIENCE        = local.tokens.audience
    }
    route_scopes = {
      ROUTE_SCOPES = jsonencode([
        for route in local.routes : { method = route.method, path = route.path, scope = route.scope } if route.scope != null
      ])
    }
  }

  common_settings = {
    ENVIRONMENT                  = var.environment
    LOG_LEVEL                    = var.log_level
    POWERTOOLS_SERVICE_NAME      = "itemstream"
    POWERTOOLS_METRICS_NAMESPACE = "Itemstream"
    # There are none, and to look for them costs each cold start.
    PYDANTIC_DISABLE_PLUGINS = "true"
  }

  environments = {
    for logical, function in local.functions : logical => merge(
      local.common_settings,
      { for table in keys(try(function.access.tables, {})) : "${upper(table)}_TABLE" => module.table[table].name },
      length(function.routes) > 0 ? { CORS_ORIGIN = var.cors_origin } : {},
      [for group in function.settings : local.settings[group]]...
    )
  }

  # What the catalogue's `access` means: for each kind the service, and the ARNs of each resource.
  grantable = {
    tables  = { service = "dynamodb", resources = { for name, table in module.table : name => [table.arn] } }
    buckets = { service = "s3", resources = { for name, bucket in module.bucket : name => ["${bucket.arn}/*"] } }
    secrets = { service = "secretsmanager", resources = { for name, secret in aws_secretsmanager_secret.this : name => [secret.arn] } }
  }

  access = {
    for logical, function in local.functions : logical => concat(
      flatten([
        for kind, grants in function.access : [
          for resource, actions in grants : {
            service   = local.grantable[kind].service
            actions   = actions
            resources = local.grantable[kind].resources[resource]
          }
        ]
      ]),
      [
        for table, actions in try(function.access.tables, {}) : {
          service   = "dynamodb"
          actions   = ["Query"]
          resources = module.table[table].index_arns
        } if contains(actions, "Query") && length(module.table[table].index_arns) > 0
      ],
      contains(function.network, "cache") ? local.cache.access : [],
    )
  }
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name        = each.value.name
  description = each.value.description
  handler     = each.value.handler
  code        = local.code[each.key]

  runtime      = local.artifacts.runtime
  architecture = local.artifacts.architecture
  memory       = each.value.memory
  timeout      = each.value.timeout
  environment  = local.environments[each.key]
  access       = local.access[each.key]
  network      = local.attachments[each.key]
  reads_stream = each.value.reads_stream

  reserved_concurrency = ceil(each.value.concurrency.reserved * var.concurrency_scale.reserved)
  provisioned_concurrency = {
    minimum    = ceil(each.value.concurrency.provisioned * var.concurrency_scale.provisioned)
    maximum    = ceil(each.value.concurrency.provisioned_maximum * var.concurrency_scale.provisioned)
    autoscaled = !var.emulated
  }

  kms_key_arn        = aws_kms_key.data.arn
  log_retention_days = var.log_retention_days
  alerts_topic_arn   = aws_sns_topic.alerts.arn
  require_tls        = !var.emulated
}
