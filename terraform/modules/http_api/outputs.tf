output "id" {
  description = "Id of the API."
  value       = aws_apigatewayv2_api.this.id
}

output "stage" {
  description = "Name of the stage."
  value       = aws_apigatewayv2_stage.this.name
}

output "url" {
  description = "URL of the stage."
  value       = aws_apigatewayv2_stage.this.invoke_url
}

output "guarantees" {
  description = "What the API must have, for the policy tests."
  value = {
    routes = {
      for key, route in aws_apigatewayv2_route.this : key => {
        authorization    = route.authorization_type
        permitted_source = aws_lambda_permission.route[key].source_arn
      }
    }
    own_domain_only = aws_apigatewayv2_api.this.disable_execute_api_endpoint
    payload_formats = distinct(concat(
      [for integration in aws_apigatewayv2_integration.function : integration.payload_format_version],
      [aws_apigatewayv2_authorizer.token.authorizer_payload_format_version],
    ))
    access_log      = one(aws_apigatewayv2_stage.this.access_log_settings[*].destination_arn)
    log_kms_key_arn = aws_cloudwatch_log_group.access.kms_key_id
    throttles       = concat(aws_apigatewayv2_stage.this.default_route_settings[*], tolist(aws_apigatewayv2_stage.this.route_settings))
    alarm_actions   = [for alarm in [aws_cloudwatch_metric_alarm.failures, aws_cloudwatch_metric_alarm.latency] : alarm.alarm_actions]
  }
}
