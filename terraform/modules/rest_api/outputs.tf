output "id" {
  description = "Id of the API."
  value       = aws_api_gateway_rest_api.this.id
}

output "stage" {
  description = "Name of the stage."
  value       = aws_api_gateway_stage.this.stage_name
}

# Of the API alone: a function that calls it as its clients do needs it first.
output "address" {
  description = "What stands in the API's address: its id and the stage's name."
  value       = { api = aws_api_gateway_rest_api.this.id, stage = var.stage_name }
}

output "stage_arn" {
  description = "ARN of the stage."
  value       = aws_api_gateway_stage.this.arn
}

output "url" {
  description = "URL of the stage."
  value       = aws_api_gateway_stage.this.invoke_url
}

output "methods" {
  description = "How each route is guarded, for the policy tests."
  value = {
    for key, method in aws_api_gateway_method.route : key => {
      authorization    = method.authorization
      validated        = method.request_validator_id != null
      permitted_source = aws_lambda_permission.route[key].source_arn
      cache_keys       = aws_api_gateway_integration.route[key].cache_key_parameters
    }
  }
}

output "problems" {
  description = "The gateway's own answers: status, headers and document of each type, for the policy tests."
  value = {
    for type, response in aws_api_gateway_gateway_response.problem : type => {
      status   = response.status_code
      headers  = response.response_parameters
      document = jsondecode(response.response_templates["application/json"])
    }
  }
}

output "stage_guarantees" {
  description = "What the stage must have, for the policy tests."
  value = {
    own_domain_only = aws_api_gateway_rest_api.this.disable_execute_api_endpoint
    tracing         = aws_api_gateway_stage.this.xray_tracing_enabled
    access_log      = one(aws_api_gateway_stage.this.access_log_settings[*].destination_arn)
    log_kms_key_arn = aws_cloudwatch_log_group.access.kms_key_id
    cache           = aws_api_gateway_stage.this.cache_cluster_enabled
    method_settings = { for path, settings in aws_api_gateway_method_settings.this : path => one(settings.settings) }
  }
}
