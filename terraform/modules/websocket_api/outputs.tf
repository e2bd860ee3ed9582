output "id" {
  description = "Id of the API."
  value       = aws_apigatewayv2_api.this.id
}

output "stage" {
  description = "Name of the stage."
  value       = aws_apigatewayv2_stage.this.name
}

output "url" {
  description = "URL that clients connect to."
  value       = aws_apigatewayv2_stage.this.invoke_url
}

# Of the API alone: the functions that the stage calls need it first.
output "management" {
  description = "Where and as what connections are managed: the API's id, the stage's name, and the ARN that begins those of connections."
  value = {
    api   = aws_apigatewayv2_api.this.id
    stage = var.stage_name
    arn   = "${aws_apigatewayv2_api.this.execution_arn}/${var.stage_name}"
  }
}

output "guarantees" {
  description = "What the API must have, for the policy tests."
  value = {
    selection = aws_apigatewayv2_api.this.route_selection_expression
    routes = {
      for key, route in aws_apigatewayv2_route.this : key => {
        authorization    = route.authorization_type
        answers          = contains(keys(aws_apigatewayv2_route_response.this), key) && route.route_response_selection_expression == "$default"
        permitted_source = aws_lambda_permission.route[key].source_arn
      }
    }
    identity_sources = aws_apigatewayv2_authorizer.token.identity_sources
    access_log       = one(aws_apigatewayv2_stage.this.access_log_settings[*].destination_arn)
    log_kms_key_arn  = aws_cloudwatch_log_group.access.kms_key_id
    settings         = one(aws_apigatewayv2_stage.this.default_route_settings)
    alarm_actions    = [for alarm in concat(values(aws_cloudwatch_metric_alarm.rate), [aws_cloudwatch_metric_alarm.latency]) : alarm.alarm_actions]
  }
}
