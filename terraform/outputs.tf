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
  description = "URL of the REST API on AWS."
  value       = module.rest_api.url
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
  description = "Queues by logical name: URL and ARN. Each function has its dead letters."
  value       = { for logical, function in module.function : "${logical}_dead_letters" => { url = function.dead_letters.url, arn = function.dead_letters.arn } }
}

output "topics" {
  description = "Topics by logical name: ARN."
  value       = { alerts = { arn = aws_sns_topic.alerts.arn } }
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
    { key = aws_kms_key.data.policy, alerts = aws_sns_topic_policy.alerts.policy },
    merge(module.network[*].policies...),
  )
}
