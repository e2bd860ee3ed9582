output "uuid" {
  description = "Id of the mapping, by which it is paused."
  value       = aws_lambda_event_source_mapping.this.uuid
}

output "guarantees" {
  description = "What every event source must have, for the policy tests."
  value = {
    source_arn          = aws_lambda_event_source_mapping.this.event_source_arn
    function_arn        = aws_lambda_event_source_mapping.this.function_name
    response_types      = aws_lambda_event_source_mapping.this.function_response_types
    batch               = aws_lambda_event_source_mapping.this.batch_size
    window              = aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds
    retries             = aws_lambda_event_source_mapping.this.maximum_retry_attempts
    maximum_age         = aws_lambda_event_source_mapping.this.maximum_record_age_in_seconds
    bisects             = aws_lambda_event_source_mapping.this.bisect_batch_on_function_error
    parallelization     = aws_lambda_event_source_mapping.this.parallelization_factor
    starting_position   = aws_lambda_event_source_mapping.this.starting_position
    failure_destination = one(flatten([for config in aws_lambda_event_source_mapping.this.destination_config : config.on_failure[*].destination_arn]))
    maximum_concurrency = one(aws_lambda_event_source_mapping.this.scaling_config[*].maximum_concurrency)
    pattern             = local.pattern == null ? null : jsondecode(local.pattern)
  }
}
