output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "ARN of the function, without a version."
  value       = aws_lambda_function.this.arn
}

output "alias" {
  description = "What callers invoke: the name, ARN and integration URI of the alias `live`."
  value = {
    name       = local.live.name
    arn        = "arn:aws:lambda:${local.place}:function:${local.live.function_name}:${local.live.name}"
    invoke_arn = local.live.invoke_arn
  }
}

output "log_group" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "dead_letters" {
  description = "The queue of events that failed for good."
  value       = { arn = module.dead_letters.arn, name = module.dead_letters.name, url = module.dead_letters.url }
}

output "role_arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "policy" {
  description = "The role's policy, as JSON."
  value       = aws_iam_role_policy.this.policy
}

output "guarantees" {
  description = "What every function must have, for the policy tests."
  value = {
    package_type              = aws_lambda_function.this.package_type
    handler                   = local.is_image ? one(flatten(aws_lambda_function.this.image_config[*].command)) : aws_lambda_function.this.handler
    environment               = aws_lambda_function.this.environment[0].variables
    memory                    = aws_lambda_function.this.memory_size
    timeout                   = aws_lambda_function.this.timeout
    layers                    = aws_lambda_function.this.layers
    published                 = aws_lambda_function.this.publish
    version                   = aws_lambda_function.this.version
    alias_version             = local.live.function_version
    tracing                   = one(aws_lambda_function.this.tracing_config[*].mode)
    environment_kms_key_arn   = aws_lambda_function.this.kms_key_arn
    role_name                 = aws_iam_role.this.name
    subnet_ids                = flatten(aws_lambda_function.this.vpc_config[*].subnet_ids[*])
    log_group                 = aws_cloudwatch_log_group.this.name
    log_retention_days        = aws_cloudwatch_log_group.this.retention_in_days
    log_kms_key_arn           = aws_cloudwatch_log_group.this.kms_key_id
    failure_destination       = one(aws_lambda_function_event_invoke_config.live.destination_config[0].on_failure[*].destination)
    maximum_retry_attempts    = aws_lambda_function_event_invoke_config.live.maximum_retry_attempts
    maximum_event_age_seconds = aws_lambda_function_event_invoke_config.live.maximum_event_age_in_seconds
    reserved_concurrency      = aws_lambda_function.this.reserved_concurrent_executions
    provisioned_concurrency   = one(concat(aws_lambda_provisioned_concurrency_config.fixed, aws_lambda_provisioned_concurrency_config.autoscaled)[*].provisioned_concurrent_executions)
    provisioned_maximum       = one(aws_appautoscaling_target.provisioned[*].max_capacity)
    iterator_age_alarm        = try(aws_cloudwatch_metric_alarm.this["iterator_age"].threshold, null)
    deployment_configuration  = one(aws_codedeploy_deployment_group.this[*].deployment_config_name)
    deployment_alarms         = toset(flatten(aws_codedeploy_deployment_group.this[*].alarm_configuration[*].alarms))
    alarm_actions             = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.alarm_actions }
  }
}
