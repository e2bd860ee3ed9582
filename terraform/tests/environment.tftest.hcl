# What must hold in every environment, over the whole plan. Run it for each:
#
#   terraform test -var-file=environments/prod.tfvars

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

# The mocks know one API: this one by an id of its own, so that one taken for the other is seen.
override_resource {
  target          = module.websocket_api.aws_apigatewayv2_api.this
  override_during = plan
  values          = { id = "w1s2a3p4i5", execution_arn = "arn:aws:execute-api:eu-central-1:111122223333:w1s2a3p4i5" }
}

# Which subnet is which.
override_resource {
  target          = module.network[0].aws_subnet.private
  override_during = plan
  values          = { id = "subnet-private" }
}

override_resource {
  target          = module.network[0].aws_subnet.isolated
  override_during = plan
  values          = { id = "subnet-isolated" }
}

variables {
  artifacts_file = "tests/artifacts.json"
}

run "environment" {
  command = plan

  # Functions

  assert {
    condition     = keys(module.function) == keys(yamldecode(file("../functions.yaml")).functions)
    error_message = "Every function of the catalogue must be made, and no other."
  }

  assert {
    condition     = length(distinct([for function in module.function : function.guarantees.role_name])) == length(module.function)
    error_message = "Every function must have a role of its own."
  }

  assert {
    condition = alltrue([
      for function in module.function :
      function.guarantees.log_group == "/aws/lambda/${function.name}" &&
      function.guarantees.log_kms_key_arn == aws_kms_key.data.arn &&
      function.guarantees.log_retention_days > 0
    ])
    error_message = "Every function must log to its own group, encrypted with our key and kept for a time."
  }

  assert {
    condition = alltrue([
      for function in module.function :
      function.guarantees.published && function.alias.name == "live" &&
      function.guarantees.alias_version == function.guarantees.version && function.guarantees.alias_version != "$LATEST"
    ])
    error_message = "Every function must publish versions, and the alias live must lead to the last one."
  }

  assert {
    condition = alltrue([
      for logical, entry in local.catalogue.functions :
      module.function[logical].guarantees.handler == entry.handler &&
      module.function[logical].guarantees.package_type == try(entry.package_type, local.catalogue.defaults.package_type)
    ])
    error_message = "Every function must run the catalogue's handler, packed as the catalogue says."
  }

  assert {
    condition = alltrue([
      for logical, entry in local.catalogue.functions :
      module.function[logical].guarantees.memory == try(entry.memory, local.catalogue.defaults.memory) &&
      module.function[logical].guarantees.timeout == try(entry.timeout, local.catalogue.defaults.timeout)
    ])
    error_message = "Every function must have the catalogue's memory and time-out."
  }

  assert {
    condition = alltrue([
      for logical, entry in local.catalogue.functions :
      module.function[logical].guarantees.reserved_concurrency == max(
        ceil(try(entry.concurrency.reserved, local.catalogue.defaults.concurrency.reserved) * var.concurrency_scale.reserved),
        min(try(entry.concurrency.reserved, local.catalogue.defaults.concurrency.reserved), local.least_concurrency[logical]),
      )
    ])
    error_message = "Every function must have the catalogue's reserved concurrency, scaled, but no less than its sources call for."
  }

  assert {
    condition     = alltrue([for function in module.function : function.guarantees.tracing == "Active"])
    error_message = "Every function must be traced."
  }

  assert {
    condition = alltrue([
      for logical, function in module.function :
      (function.guarantees.deployment_configuration == null) == (var.emulated || var.deployment.strategy == "all_at_once" || logical == "migrate") &&
      length(function.guarantees.deployment_alarms) == (function.guarantees.deployment_configuration == null ? 0 : 2)
    ])
    error_message = "Every function but migrate, which is called before, must come to a new version as the environment says: by CodeDeploy, and watched, where that is gradual."
  }

  assert {
    condition = var.environment != "prod" || alltrue([
      for logical, function in module.function : function.guarantees.deployment_configuration == "CodeDeployDefault.LambdaCanary10Percent5Minutes" if logical != "migrate"
    ])
    error_message = "In production a tenth of the calls must try a new version first."
  }

  assert {
    condition     = alltrue([for function in module.function : function.guarantees.environment_kms_key_arn == aws_kms_key.data.arn])
    error_message = "Every function's environment variables must be encrypted with our key."
  }

  assert {
    condition     = alltrue([for function in module.function : function.guarantees.reserved_concurrency >= 1])
    error_message = "Every function must have reserved concurrency, and not be switched off by it."
  }

  assert {
    condition = alltrue([
      for function in module.function :
      max(coalesce(function.guarantees.provisioned_concurrency, 0), coalesce(function.guarantees.provisioned_maximum, 0)) <= function.guarantees.reserved_concurrency
    ])
    error_message = "No function may be kept warmer than it may run: Lambda refuses that."
  }

  # One account can hold all environments and two previews, which are as dev is: 520 + 155 + 3 * 75 = 900.
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
  assert {
    condition = sum([for function in module.function : function.guarantees.reserved_concurrency]) <= {
      prod = 520, staging = 155, dev = 75, local = 900
    }[var.environment]
    error_message = "The functions reserve more than the environment's share of an account's default concurrency of 1,000, of which AWS keeps 100 unreserved."
  }

  assert {
    condition = alltrue([
      for function in module.function :
      function.guarantees.failure_destination == function.dead_letters.arn &&
      function.guarantees.maximum_retry_attempts <= 2 &&
      function.guarantees.maximum_event_age_seconds <= 21600
    ])
    error_message = "Every function must end its asynchronous retries, with a dead letter."
  }

  assert {
    condition = alltrue([
      for logical, function in module.function :
      length(setsubtract(["errors", "canary", "canary_duration", "throttles", "duration", "concurrency", "dead_letters"], keys(function.guarantees.alarm_actions))) == 0 &&
      contains(keys(function.guarantees.alarm_actions), "iterator_age") == anytrue([for consumed in local.functions[logical].consumes : can(consumed.stream)])
    ])
    error_message = "Every function must have its eight alarms: seven, and the iterator's age where it reads a stream."
  }

  assert {
    condition = alltrue(flatten([
      for function in module.function : [
        for actions in values(function.guarantees.alarm_actions) : contains(actions, aws_sns_topic.alerts.arn)
      ]
    ]))
    error_message = "Every alarm must notify the alerts topic."
  }

  assert {
    condition = alltrue([
      for logical, function in module.function :
      coalesce(function.guarantees.provisioned_concurrency, 0) == ceil(local.functions[logical].concurrency.provisioned * var.concurrency_scale.provisioned)
    ])
    error_message = "Every function must keep as many environments warm as the catalogue says, scaled."
  }

  assert {
    condition = alltrue([
      for logical, function in module.function :
      function.guarantees.provisioned_maximum == (
        function.guarantees.provisioned_concurrency == null || var.emulated ? null : ceil(local.functions[logical].concurrency.provisioned_maximum * var.concurrency_scale.provisioned)
      )
    ])
    error_message = "Every function that is kept warm must scale up to the catalogue's maximum."
  }

  assert {
    condition = alltrue([
      for logical, function in module.function :
      (length(function.guarantees.subnet_ids) > 0) == (var.network != null && length(local.functions[logical].network) > 0)
    ])
    error_message = "Functions are in the VPC exactly when they name peers there."
  }

  # Network

  assert {
    condition = alltrue(flatten([
      [for function in module.function : [for subnet in function.guarantees.subnet_ids : subnet == "subnet-private"]],
      [for cache in module.cache : [for subnet in cache.subnet_ids : subnet == "subnet-isolated"]],
      [for database in module.database : [for subnet in database.subnet_ids : subnet == "subnet-isolated"]],
    ]))
    error_message = "What keeps data must be in the isolated subnets, from which nothing leads anywhere, and functions in the private ones."
  }

  # Whom a function calls is in its role. It reaches Lambda, its log and X-Ray without the network, as
  # Lambda does that; KMS is called by the other services; and what it shows to the cache and to the
  # proxy is signed by itself.
  assert {
    condition = alltrue(flatten([
      for network in module.network : [
        for logical, function in local.functions : length(setsubtract(
          [
            for service in distinct(flatten([
              for statement in jsondecode(module.function[logical].policy).Statement : [for action in statement.Action : split(":", action)[0]] if statement.Effect == "Allow"
            ])) : lookup({ cloudwatch = "monitoring" }, service, service)
          ],
          setunion(["ec2", "elasticache", "kms", "logs", "rds-db", "xray"], network.endpoints),
        )) == 0 if length(function.network) > 0
      ] if try(var.network.nat, "") == "none"
    ]))
    error_message = "Without NAT, a function in the VPC must have an endpoint for each service that it calls."
  }

  # Health

  assert {
    condition = (
      alltrue([for part, dimension in module.health_alarms.guarantees.parts : dimension == part]) && length(module.health_alarms.guarantees.parts) == 9 &&
      module.health_alarms.guarantees.missing_data == "breaching" && module.health_alarms.guarantees.function == module.function["health_checker"].name &&
      alltrue([for actions in module.health_alarms.guarantees.alarm_actions : actions == toset([aws_sns_topic.alerts.arn])])
    )
    error_message = "Every part that can be down must have its alarm, and so must the checker's silence."
  }

  assert {
    condition = alltrue([
      for name, url in {
        REST_API_URL  = ["https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/v1", "${var.external.execute_api_url}/a1b2c3d4e5/v1"]
        WEBSOCKET_URL = ["wss://w1s2a3p4i5.execute-api.eu-central-1.amazonaws.com/v1", "${replace(var.external.execute_api_url, "/^http/", "ws")}/w1s2a3p4i5/v1"]
      } : module.function["health_checker"].guarantees.environment[name] == url[var.emulated ? 1 : 0]
    ])
    error_message = "The canary must know where clients find the APIs."
  }

  assert {
    condition = (
      length(setsubtract(
        [for queue in local.dead_letters : queue.name],
        [for owner in split(",", module.function["health_checker"].guarantees.environment.DEAD_LETTERS_OF) : "${local.name}-${owner}-dead-letters"],
      )) == 0 &&
      length(split(",", module.function["health_checker"].guarantees.environment.STREAM_CONSUMERS)) == length(distinct([for source in values(local.event_sources) : source.function if source.kind == "stream"])) &&
      length(split(",", module.function["health_checker"].guarantees.environment.QUEUES_CONSUMED)) == length(local.queues)
    )
    error_message = "The checker must know every queue of dead letters, and everybody who may be behind."
  }

  assert {
    condition = alltrue([
      for logical, function in module.function : contains(
        split(",", module.function["health_checker"].guarantees.environment.STREAM_CONSUMERS),
        "${replace(logical, "_", "-")}=${function.guarantees.iterator_age_alarm / 1000}",
      ) && function.guarantees.iterator_age_alarm == (logical == "report_generator" ? 7200000 : 60000)
      if function.guarantees.iterator_age_alarm != null
    ])
    error_message = "The checker and the alarm must say of a consumer from the same lag on that it is behind: of reports after two hours, of the others after a minute."
  }

  # An environment may hold 4 KB of variables.
  assert {
    condition     = alltrue([for function in module.function : length(jsonencode(function.guarantees.environment)) < 4096])
    error_message = "A function's environment variables must fit into Lambda's 4 KB."
  }

  # Data

  assert {
    condition = alltrue([
      for table in module.table :
      table.protection.encrypted && table.protection.kms_key_arn == aws_kms_key.data.arn &&
      table.protection.point_in_time_recovery && table.protection.deletion_protection == var.deletion_protection
    ])
    error_message = "Every table must be encrypted with our key, backed up continuously and guarded against deletion."
  }

  assert {
    condition = alltrue([
      for bucket in module.bucket :
      bucket.protection.sse_algorithm == "aws:kms" && bucket.protection.kms_key_arn == aws_kms_key.data.arn &&
      bucket.protection.versioning == "Enabled" && bucket.protection.public_access_blocked && bucket.protection.tls_only == !var.emulated
    ])
    error_message = "Every bucket must be encrypted with our key, versioned, closed to the public and to plain HTTP."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.kms_key_id == aws_kms_key.data.arn])
    error_message = "Every secret must be encrypted with our key."
  }

  assert {
    condition = alltrue([
      for name in ["cursor_signing", "database", "token_signing"] :
      module.secret_rotation.guarantees[name].function_arn == module.function["rotate_secret"].alias.arn &&
      module.secret_rotation.guarantees[name].days <= 90 && !module.secret_rotation.guarantees[name].immediately
    ])
    error_message = "Keys that sign and the password to the database must be rotated by rotate_secret, every 90 days at least, and not by an apply."
  }

  assert {
    condition = alltrue([
      for name, rotation in module.secret_rotation.guarantees :
      rotation.caller == "secretsmanager.amazonaws.com" && rotation.caller_account == local.account_id &&
      rotation.caller_secret == aws_secretsmanager_secret.this[name].arn && rotation.qualifier == "live"
    ])
    error_message = "Only Secrets Manager may call rotate_secret, for a secret of ours and by its alias."
  }

  assert {
    condition     = alltrue([for rotation in module.secret_rotation.guarantees : contains(rotation.alarm_actions, aws_sns_topic.alerts.arn)])
    error_message = "A rotation that fails must be told."
  }

  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == aws_kms_key.data.arn && aws_kms_key.data.enable_key_rotation
    error_message = "Alerts must be encrypted with our key, and the key must rotate."
  }

  assert {
    condition = alltrue([
      for cache in module.cache :
      cache.protection.encrypted_at_rest && cache.protection.encrypted_in_transit && cache.protection.kms_key_arn == aws_kms_key.data.arn && cache.protection.snapshot_days >= 1 &&
      cache.protection.iam_only && cache.protection.logs == toset(["engine-log", "slow-log"])
    ])
    error_message = "The cache must be encrypted, at rest with our key and in transit, let nobody in but by IAM, have snapshots and log."
  }

  assert {
    condition = alltrue([
      for database in module.database :
      !database.protection.public && database.protection.encrypted_at_rest && database.protection.kms_key_arns == toset([aws_kms_key.data.arn]) &&
      database.protection.tls_only && database.protection.iam_only && database.protection.password_managed && database.protection.backup_days >= 1 && database.protection.grows
    ]) && (length(module.database) == 1) == (var.database != null)
    error_message = "The database must be closed to the world, encrypted with our key, reached over TLS and by IAM only, and backed up; nobody may know its owner's password."
  }

  assert {
    condition = alltrue([
      for database in module.database :
      toset(database.protection.alarms) == toset(["connections", "cpu", "deadlocks", "memory", "pinned_sessions", "storage", "waiting_clients"]) && database.protection.alarm_actions == toset([aws_sns_topic.alerts.arn])
    ])
    error_message = "The database must be watched."
  }

  assert {
    condition = length(aws_lambda_invocation.migrate) == (var.database == null ? 0 : 1) && alltrue([
      for call in aws_lambda_invocation.migrate :
      call.function_name == module.function["migrate"].name && call.qualifier == "live" &&
      call.triggers.version == module.function["migrate"].guarantees.version &&
      call.triggers.migrations == sha256(jsonencode({
        for file in fileset("../layers/python/itemstream/mysql/migrations", "*.sql") : file => filesha256("../layers/python/itemstream/mysql/migrations/${file}")
      })) &&
      length(fileset("../layers/python/itemstream/mysql/migrations", "*.sql")) > 0
    ])
    error_message = "An apply must bring the database's schema up to date whenever migrations or their function are new, and only where the database is ours."
  }

  # The local stack's, as it stands in the arguments of mariadbd.
  assert {
    condition = alltrue([
      for database in module.database : database.protection.sql_mode == join("", flatten(
        regexall("\"([A-Z_,]+)\"", one(regex("(?s)_MYSQL_8_MODE = \\((.*?)\\)", file("../tools/dependencies/mariadb.py"))))
      ))
    ])
    error_message = "The database must refuse the statements that the local one refuses."
  }

  # What costs production's price, and what would keep an environment for trying from being taken down.
  assert {
    condition = jsonencode({
      replicas            = [for cache in module.cache : cache.protection.replicas >= 1 && cache.protection.takes_over]
      multi_az            = [for database in module.database : database.protection.multi_az]
      month_of_backups    = [for database in module.database : database.protection.backup_days >= 30]
      final_snapshot      = [for database in module.database : database.protection.final_snapshot]
      deletion_protection = [for database in module.database : database.protection.deletion_protection]
      three_zones         = [for network in module.network : length(network.isolated_subnet_ids) == 3]
      firewall            = var.emulated ? [] : [length(module.web_acl) == 1]
      }) == jsonencode({
      for name, environments in {
        replicas            = ["prod", "staging"]
        multi_az            = ["prod", "staging"]
        month_of_backups    = ["prod"]
        final_snapshot      = ["prod", "staging"]
        deletion_protection = ["prod", "staging"]
        three_zones         = ["prod"]
        firewall            = ["prod"]
      } : name => var.emulated ? [] : [contains(environments, var.environment)]
    })
    error_message = "Production must survive a zone, a mistake and a month, and development must cost little and go without a trace."
  }

  assert {
    condition = var.database == null || alltrue([
      for logical, function in local.functions : local.environments[logical].DATABASE_SECRET == "" && local.environments[logical].DATABASE_TLS_CA == "certificates/rds_proxy.pem" &&
      contains(flatten([for grant in local.access[logical] : [for action in grant.actions : "${grant.service}:${action} ${join(" ", grant.resources)}"]]), "rds-db:connect arn:aws:rds-db:eu-central-1:111122223333:dbuser:prx-0123456789abcdef0/itemstream")
      if contains(function.network, "database")
    ])
    error_message = "Functions must log in to the proxy by IAM, as one user, and verify it."
  }

  assert {
    condition     = var.database == null || toset([for logical, function in local.functions : logical if contains(function.network, "database_owner")]) == toset(["migrate", "rotate_secret"])
    error_message = "Only who changes the schema or the passwords may reach the instance itself."
  }

  assert {
    condition     = var.environment != "prod" || (var.deletion_protection && !var.emulated)
    error_message = "Production must be guarded against deletion."
  }

  # The REST API

  assert {
    condition     = keys(module.rest_api.methods) == keys(local.routes.rest)
    error_message = "Every route of the catalogue must be made, and no other."
  }

  assert {
    condition = alltrue([
      for key, method in module.rest_api.methods :
      method.validated && method.authorization == (local.routes.rest[key].scope == null ? "NONE" : "CUSTOM")
    ])
    error_message = "Every route must be validated and, where it has a scope, need a token."
  }

  assert {
    condition = alltrue([
      for key, method in module.rest_api.methods :
      method.permitted_source == "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3d4e5/v1/${local.routes.rest[key].method}${replace(local.routes.rest[key].path, "/{[^}]+}/", "*")}"
    ])
    error_message = "Each function may be called by its own stage, methods and paths only."
  }

  assert {
    condition = alltrue([
      for key, method in module.rest_api.methods :
      length(setsubtract(
        concat(["method.request.header.If-None-Match"], local.routes.rest[key].scope == null ? [] : ["method.request.header.Authorization"]),
        method.cache_keys,
      )) == 0 if local.routes.rest[key].cached
    ])
    error_message = "A cached answer must be told apart by its caller and the copy the caller has."
  }

  assert {
    condition = alltrue([
      for type, problem in module.rest_api.problems :
      problem.document.status == tonumber(problem.status) &&
      problem.document.instance == "urn:uuid:$context.requestId" &&
      problem.headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'" &&
      contains(keys(problem.headers), "gatewayresponse.header.Access-Control-Allow-Origin")
    ]) && length(module.rest_api.problems) == 21
    error_message = "Each of the gateway's own answers must be a problem document that browsers may read."
  }

  assert {
    condition = (
      module.rest_api.stage_guarantees.tracing &&
      module.rest_api.stage_guarantees.log_kms_key_arn == aws_kms_key.data.arn &&
      alltrue([
        for settings in module.rest_api.stage_guarantees.method_settings :
        settings.metrics_enabled && !settings.data_trace_enabled && settings.throttling_rate_limit > 0 && settings.throttling_burst_limit > 0
      ])
    )
    error_message = "The stage must be traced, logged, measured and throttled, and never log bodies."
  }

  assert {
    condition     = (module.rest_api.stage_guarantees.cache == true) == (var.response_cache != null)
    error_message = "The response cache is on exactly where the environment asks for it."
  }

  assert {
    condition = alltrue([
      for acl in module.web_acl : acl.guarantees.guarded == toset([module.rest_api.stage_arn]) && length(acl.guarantees.rules) == 4 && acl.guarantees.log_kms_key_arn == aws_kms_key.data.arn
    ])
    error_message = "The firewall must stand before the REST API."
  }

  # The HTTP API

  assert {
    condition     = keys(module.http_api.guarantees.routes) == keys(local.routes.http) && length(local.routes.rest) + length(local.routes.http) + length(local.websocket_routes) == length(flatten([for entry in values(local.catalogue.functions) : try(entry.routes, [])]))
    error_message = "Every route of the catalogue must be made, in its API, and no other."
  }

  assert {
    condition = alltrue([
      for key, route in module.http_api.guarantees.routes :
      route.authorization == (local.routes.http[key].scope == null ? "NONE" : "CUSTOM") &&
      route.permitted_source == "arn:aws:execute-api:eu-central-1:111122223333:h1t2t3p4a5/v1/${local.routes.http[key].method}${replace(local.routes.http[key].path, "/{[^}]+}/", "*")}"
    ])
    error_message = "Every route of the HTTP API must need a token where it has a scope, and call its own function only."
  }

  assert {
    condition     = toset(module.http_api.guarantees.payload_formats) == toset(["2.0"])
    error_message = "Functions of the HTTP API, its authorizer too, must be called in format 2.0."
  }

  assert {
    condition = (
      module.http_api.guarantees.log_kms_key_arn == aws_kms_key.data.arn && module.http_api.guarantees.access_log != null &&
      alltrue([for throttle in module.http_api.guarantees.throttles : throttle.throttling_rate_limit > 0 && throttle.throttling_burst_limit > 0 && throttle.detailed_metrics_enabled]) &&
      alltrue([for actions in module.http_api.guarantees.alarm_actions : actions == toset([aws_sns_topic.alerts.arn])])
    )
    error_message = "The HTTP API must be logged, throttled, measured and watched."
  }

  # The WebSocket API

  assert {
    condition = (
      keys(module.websocket_api.guarantees.routes) == keys(local.websocket_routes) &&
      module.websocket_api.guarantees.selection == "$request.body.action"
    )
    error_message = "Every route of the catalogue must be made, chosen by the frame's action, and no other."
  }

  assert {
    condition = alltrue([
      for key, route in module.websocket_api.guarantees.routes :
      route.authorization == (key == "$connect" ? "CUSTOM" : "NONE") &&
      route.answers == local.websocket_routes[key].answers &&
      route.permitted_source == "arn:aws:execute-api:eu-central-1:111122223333:w1s2a3p4i5/v1/${key}"
    ]) && length(coalesce(module.websocket_api.guarantees.identity_sources, [])) == 0
    error_message = "Whoever connects must be asked who they are, wherever they say it; each route must call its own function only, and answer where the catalogue says so."
  }

  assert {
    condition = (
      module.websocket_api.guarantees.log_kms_key_arn == aws_kms_key.data.arn && module.websocket_api.guarantees.access_log != null &&
      module.websocket_api.guarantees.settings.throttling_rate_limit > 0 && module.websocket_api.guarantees.settings.throttling_burst_limit > 0 &&
      module.websocket_api.guarantees.settings.detailed_metrics_enabled && !module.websocket_api.guarantees.settings.data_trace_enabled &&
      length(module.websocket_api.guarantees.alarm_actions) == 4 &&
      alltrue([for actions in module.websocket_api.guarantees.alarm_actions : actions == toset([aws_sns_topic.alerts.arn])])
    )
    error_message = "The WebSocket API must be logged, throttled, measured and watched, and never log frames."
  }

  assert {
    condition = alltrue([
      for logical, entry in local.catalogue.functions :
      sort(flatten([
        for statement in jsondecode(module.function[logical].policy).Statement : statement.Resource
        if statement.Effect == "Allow" && contains(flatten([statement.Action]), "execute-api:ManageConnections")
      ])) == sort([for method in try(entry.access.sockets.realtime, []) : "arn:aws:execute-api:eu-central-1:111122223333:w1s2a3p4i5/v1/${method}/@connections/*"])
    ])
    error_message = "Each function may do with connections what the catalogue says, and nothing else."
  }

  assert {
    condition = alltrue([
      for logical, entry in local.catalogue.functions :
      try(module.function[logical].guarantees.environment.REALTIME_ENDPOINT, null) == (
        !can(entry.access.sockets.realtime) ? null :
        var.emulated ? "${var.external.execute_api_url}/w1s2a3p4i5/v1" : "https://w1s2a3p4i5.execute-api.eu-central-1.amazonaws.com/v1"
      )
    ])
    error_message = "Functions that send to connections must know where, and no others."
  }
}

run "policies" {
  command = plan

  module {
    source = "./tests/wildcards"
  }

  variables {
    policies = run.environment.policies
  }

  assert {
    condition     = length(output.unexpected) == 0
    error_message = "Allowed by wildcard without a reason on the list: ${join("; ", output.unexpected)}"
  }

  assert {
    condition     = length(output.public) == 0
    error_message = "Allowed to everybody: ${join(", ", output.public)}"
  }
}
