output "region" {
  description = "AWS region."
  value       = local.region
}

output "rest_api_id" {
  description = "Id of the REST API."
  value       = module.rest_api.id
}

output "rest_api_stage" {
  description = "Stage of the REST API."
  value       = module.rest_api.stage
}

output "rest_api_url" {
  description = "URL of the REST API on AWS, by a name of one's own where it has one."
  value       = try(module.domain["rest"].url, module.rest_api.url)
}

output "http_api_id" {
  description = "Id of the HTTP API."
  value       = module.http_api.id
}

output "http_api_stage" {
  description = "Stage of the HTTP API."
  value       = module.http_api.stage
}

output "http_api_url" {
  description = "URL of the HTTP API on AWS, by a name of one's own where it has one."
  value       = try(module.domain["http"].url, module.http_api.url)
}

output "websocket_api_id" {
  description = "Id of the WebSocket API."
  value       = module.websocket_api.id
}

output "websocket_api_stage" {
  description = "Stage of the WebSocket API."
  value       = module.websocket_api.stage
}

output "websocket_api_url" {
  description = "URL of the WebSocket API on AWS, by a name of one's own where it has one."
  value       = try(module.domain["websocket"].url, module.websocket_api.url)
}

output "domain_targets" {
  description = "What each domain name must be an alias of, by API, where no zone of ours has it."
  value       = { for api, domain in module.domain : api => domain.target }
}

output "tables" {
  description = "Table names by logical name."
  value       = { for logical, table in module.table : logical => table.name }
}

output "buckets" {
  description = "Bucket names by logical name."
  value       = { for logical, bucket in module.bucket : logical => bucket.name }
}

output "queues" {
  description = "Queues by logical name: URL and ARN; every dead-letter queue is among them."
  value = merge(
    { for logical, queue in module.queue : logical => { url = queue.url, arn = queue.arn } },
    { for logical, queue in local.dead_letters : "${logical}_dead_letters" => { url = queue.url, arn = queue.arn } },
  )
}

output "dead_letters" {
  description = "Dead-letter queues by logical name: URL, ARN, name, what they belong to (kind function, queue or rule), the function that could do its work again, and the queue its messages were meant for."
  value       = local.dead_letters
}

output "topics" {
  description = "Topics by logical name: ARN."
  value       = { for logical, topic in merge(local.topics, { alerts = aws_sns_topic.alerts }) : logical => { arn = topic.arn } }
}

output "bus" {
  description = "The event bus: name, ARN, ARN of its archive, and its rules by logical name."
  value = {
    name        = aws_cloudwatch_event_bus.events.name
    arn         = aws_cloudwatch_event_bus.events.arn
    archive_arn = aws_cloudwatch_event_archive.events.arn
    rules       = { for logical, rule in aws_cloudwatch_event_rule.this : logical => { name = rule.name, arn = rule.arn } }
  }
}

output "event_source_mappings" {
  description = "What reads streams and queues, by \"function/source\": its UUID, the function, the kind and the logical name of the source."
  value = {
    for key, mapping in module.event_source : key => {
      uuid     = mapping.uuid
      function = local.consumers[key].function
      kind     = local.consumers[key].kind
      source   = local.consumers[key].source
    }
  }
}

output "schedules" {
  description = "What the clock calls, by \"function/schedule\": name of the schedule, its group, and the function."
  value = {
    for key, schedule in aws_scheduler_schedule.this : key => { name = schedule.name, group = schedule.group_name, function = local.schedules[key].function }
  }
}

output "functions" {
  description = "Functions by logical name: name, ARN, ARN of the alias `live`, log group."
  value = {
    for logical, function in module.function : logical => {
      name      = function.name
      arn       = function.arn
      alias_arn = function.alias.arn
      log_group = function.log_group
    }
  }
}

output "secrets" {
  description = "Secrets by logical name: ARN and name. Their values are written by `itemstream`."
  value       = { for logical, secret in aws_secretsmanager_secret.this : logical => { arn = secret.arn, name = secret.name } }
}

output "mysql" {
  description = "MySQL for reports: host, port and name of the database."
  value       = { host = local.database.host, port = local.database.port, name = local.database_name }
}

output "redis_url" {
  description = "URL of the item cache; empty without one."
  value       = local.cache.url
}

output "jwks_url" {
  description = "Where the keys that verify tokens are published."
  value       = local.tokens.jwks_url
}

output "token_issuer" {
  description = "Issuer that tokens must name."
  value       = local.tokens.issuer
}

output "token_audience" {
  description = "Audience that tokens must name."
  value       = local.tokens.audience
}

output "policies" {
  description = "Every policy that allows something, as JSON by name: what to review, and what the policy tests read."
  value = merge(
    { for logical, function in module.function : logical => function.policy },
    { key = aws_kms_key.data.policy, alerts = aws_sns_topic_policy.alerts.policy, notifications = aws_sns_topic_policy.notifications.policy },
    { for logical, queue in module.queue : "${logical}_queue" => queue.policy if queue.policy != null },
    { for logical, queue in module.rule_dead_letters : "${logical}_rule_dead_letters" => queue.policy },
    { for role in aws_iam_role_policy.scheduler : "scheduler" => role.policy },
    { for role in aws_iam_role_policy.deployments : "deployments" => role.policy },
    merge(module.network[*].policies...),
    merge(module.database[*].policies...),
  )
}
