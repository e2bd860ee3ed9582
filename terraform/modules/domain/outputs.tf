output "url" {
  description = "URL of the API's stage under this name."
  value       = "${var.api.scheme}://${aws_apigatewayv2_domain_name.this.domain_name}/${aws_apigatewayv2_api_mapping.this.api_mapping_key}"
}

output "target" {
  description = "What the name must be an alias of, where it is made elsewhere."
  value       = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].target_domain_name
}
