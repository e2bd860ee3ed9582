# Every function of the catalogue: its code, its settings, and the access that it names.

locals {
  # Groups of environment variables that a function asks for under `settings`.
  settings = {
    items    = { ITEMS_SHARDS = tostring(var.shards.items) }
    events   = { EVENTS_RETENTION_HOURS = tostring(var.events.retention_hours) }
    realtime = { REALTIME_SHARDS = tostring(var.shards.subscribers) }
    cache = {
      REDIS_URL        = local.cache.url
      REDIS_CACHE_NAME = local.cache.name
      REDIS_IAM_USER   = local.cache.iam_user
    }
    rotation = {
      CURSOR_SIGNING_SECRET = aws_secretsmanager_secret.this["cursor_signing"].arn
      TOKEN_SIGNING_SECRET  = aws_secretsmanager_secret.this["token_signing"].arn
    }
    cursors = { CURSOR_SIGNING_SECRET = aws_secretsmanager_secret.this["cursor_signing"].arn }
    tokens = {
      JWKS_URL              = local.tokens.jwks_url
      JWKS_COOLDOWN_SECONDS = tostring(var.tokens.cooldown_seconds)
      JWKS_MAX_AGE_SECONDS  = tostring(var.tokens.max_age_seconds)
      TOKEN_ISSUER          = local.tokens.issuer
      TOKEN_AUDIENCE        = local.tokens.audience
      TOKEN_PROFILE         = var.tokens.profile
      TOKEN_TENANT_CLAIM    = var.tokens.tenant_claim
    }
    database       = local.database_settings.database
    database_owner = local.database_settings.database_owner
    operations     = { OPERATIONS_TENANT = var.operations_tenant }
    health         = local.health_settings
    canary         = local.canary_settings
    canary_tenant  = { CANARY_TENANT = var.canary_tenant }
    cleanup = {
      BRONZE_KEEP_DAYS  = tostring(var.bronze_keep_days)
      CLEANUP_FUNCTIONS = join(" ", [for function in local.functions : function.name])
    }
    route_scopes = {
      ROUTE_SCOPES = jsonencode([
        for route in local.routes.rest : { method = route.method, path = route.path, scope = route.scope } if route.scope != null
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

  metrics = {
    namespace = local.common_settings.POWERTOOLS_METRICS_NAMESPACE
    service   = local.common_settings.POWERTOOLS_SERVICE_NAME
  }

  environments = {
    for logical, function in local.functions : logical => merge(
      local.common_settings,
      { for table in keys(try(function.access.tables, {})) : "${upper(table)}_TABLE" => module.table[table].name },
      { for bucket in keys(try(function.access.buckets, {})) : "${upper(bucket)}_BUCKET" => module.bucket[bucket].name },
      { for topic in keys(try(function.access.topics, {})) : "${upper(topic)}_TOPIC_ARN" => local.topics[topic].arn },
      { for bus in keys(try(function.access.buses, {})) : "${upper(bus)}_BUS" => local.buses[bus].name },
      { for queue in keys(try(function.access.queues, {})) : "${upper(queue)}_QUEUE" => module.queue[queue].name },
      { for api in keys(try(function.access.sockets, {})) : "${upper(api)}_ENDPOINT" => local.sockets[api].endpoint },
      { for callee in keys(try(function.access.functions, {})) : "${upper(callee)}_FUNCTION" => "${local.functions[callee].name}:live" },
      function.rate_limit == null ? {} : {
        RATE_LIMIT_NAME     = replace(function.rate_limit, "_", "-")
        RATE_LIMIT_REQUESTS = tostring(var.rate_limits[function.rate_limit].requests)
        RATE_LIMIT_SECONDS  = tostring(var.rate_limits[function.rate_limit].seconds)
      },
      # The HTTP API answers browsers' questions itself.
      length([for route in function.routes : route if route.api == "rest"]) > 0 ? { CORS_ORIGIN = var.cors_origin } : {},
      merge([
        for consumed in function.consumes : {
          DEAD_LETTERS_QUEUE = module.queue[consumed.queue].dead_letters.name
          MAX_RECEIVE_COUNT  = tostring(local.queues[consumed.queue].max_receive_count)
        } if can(consumed.queue)
      ]...),
      [for group in function.settings : local.settings[group]]...
    )
  }

  topics = { notifications = aws_sns_topic.notifications }
  buses  = { events = aws_cloudwatch_event_bus.events }

  # Actions on a bucket itself; the others are on its objects.
  bucket_actions = ["ListBucket", "ListBucketVersions"]

  # What the catalogue's `access` means: for each kind the service, and the ARNs of each resource.
  grantable = {
    tables  = { service = "dynamodb", resources = { for name, table in module.table : name => [table.arn] } }
    buckets = { service = "s3", resources = { for name, bucket in module.bucket : name => ["${bucket.arn}/*"] } }
    buses   = { service = "events", resources = { for name, bus in local.buses : name => [bus.arn] } }
    queues  = { service = "sqs", resources = { for name, queue in module.queue : name => [queue.arn] } }
    secrets = { service = "secretsmanager", resources = { for name, arn in local.secret_arns : name => [arn] } }
    # By name, as what calls a function is made before what it calls is known.
    functions    = { service = "lambda", resources = { for name, function in local.functions : name => ["arn:aws:lambda:${local.region}:${local.account_id}:function:${function.name}:live"] } }
    dead_letters = { service = "sqs", resources = { every = ["arn:aws:sqs:${local.region}:${local.account_id}:${local.name}-*-dead-letters"] } }
    rules        = { service = "events", resources = { for rule, arn in local.rule_arns : rule => [arn] } }
    metrics      = { service = "cloudwatch", resources = { every = ["*"] } }
    versions = {
      service = "lambda"
      resources = {
        functions = ["arn:aws:lambda:${local.region}:${local.account_id}:function:${local.name}-*"]
        # A function itself has no more colons: only its versions can be deleted.
        published = ["arn:aws:lambda:${local.region}:${local.account_id}:function:${local.name}-*:*"]
      }
    }
    topics = { service = "sns", resources = { for name, topic in local.topics : name => [topic.arn] } }
  }

  # What Lambda needs, with the function's role, to read for it; and the dead letters of queues,
  # which a function may fill itself when it knows at once that a message can never succeed.
  reading = {
    for logical, function in local.functions : logical => flatten([
      for consumed in function.consumes : concat(
        can(consumed.stream) ? [
          {
            service   = "dynamodb"
            actions   = ["DescribeStream", "GetRecords", "GetShardIterator"]
            resources = [module.table[consumed.stream].stream_arn]
          },
          { service = "dynamodb", actions = ["ListStreams"], resources = ["${module.table[consumed.stream].arn}/stream/*"] },
        ] : [],
        can(consumed.queue) ? [
          {
            service = "sqs"
            # GetQueueUrl is the function's own: it brings the next attempt at a message forward.
            actions   = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl"]
            resources = [module.queue[consumed.queue].arn]
          },
          { service = "sqs", actions = ["GetQueueUrl", "SendMessage"], resources = [module.queue[consumed.queue].dead_letters.arn] },
        ] : [],
      )
    ])
  }

  # What is not granted where there is no need: the canary signs tokens only if nobody else does.
  withheld = var.tokens.issuer == null ? {} : {
    health_checker = { secrets = { token_signing = ["GetSecretValue"] } }
  }

  access = {
    for logical, function in local.functions : logical => concat(
      flatten([
        for kind, grants in function.access : [
          for resource, actions in grants : {
            service = local.grantable[kind].service
            actions = kind == "buckets" ? setsubtract(actions, local.bucket_actions) : [
              for action in actions : action if !contains(try(local.withheld[logical][kind][resource], []), action)
            ]
            resources = local.grantable[kind].resources[resource]
          } if kind != "buckets" || length(setsubtract(actions, local.bucket_actions)) > 0
        ] if kind != "sockets"
      ]),
      [
        for api, methods in try(function.access.sockets, {}) : {
          service   = "execute-api"
          actions   = ["ManageConnections"]
          resources = [for method in methods : "${local.sockets[api].arn}/${method}/@connections/*"]
        }
      ],
      [
        for bucket, actions in try(function.access.buckets, {}) : {
          service   = "s3"
          actions   = setintersection(actions, local.bucket_actions)
          resources = [module.bucket[bucket].arn]
        } if length(setintersection(actions, local.bucket_actions)) > 0
      ],
      [
        for table, actions in try(function.access.tables, {}) : {
          service   = "dynamodb"
          actions   = ["Query"]
          resources = module.table[table].index_arns
        } if contains(actions, "Query") && length(module.table[table].index_arns) > 0
      ],
      contains(function.network, "cache") ? local.cache.access : [],
      contains(function.network, "database") ? [local.database.access] : [],
      local.reading[logical],
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
  consumes     = toset([for consumer in local.consumers : consumer.kind if consumer.function == each.key])

  stream_old_seconds = try(local.stream_old_seconds[each.key], null)

  reserved_concurrency = local.reserved_concurrency[each.key]
  provisioned_concurrency = {
    minimum    = ceil(each.value.concurrency.provisioned * var.concurrency_scale.provisioned)
    maximum    = ceil(each.value.concurrency.provisioned_maximum * var.concurrency_scale.provisioned)
    autoscaled = !var.emulated
  }

  deployment = each.value.at_once ? null : local.deployment
  metrics    = local.metrics

  kms_key_arn        = aws_kms_key.data.arn
  log_retention_days = var.log_retention_days
  alerts_topic_arn   = aws_sns_topic.alerts.arn
  require_tls        = !var.emulated

  permissions_boundary = local.permissions_boundary
}
