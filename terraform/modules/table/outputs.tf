output "name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the table."
  value       = aws_dynamodb_table.this.arn
}

output "index_arns" {
  description = "ARNs of the global secondary indexes."
  value       = [for name, index in var.indexes : "${aws_dynamodb_table.this.arn}/index/${name}"]
}

output "stream_arn" {
  description = "ARN of the change stream; null without one."
  value       = var.stream ? aws_dynamodb_table.this.stream_arn : null
}

output "protection" {
  description = "What guards the data, for the policy tests."
  value = {
    kms_key_arn            = one(aws_dynamodb_table.this.server_side_encryption[*].kms_key_arn)
    encrypted              = one(aws_dynamodb_table.this.server_side_encryption[*].enabled)
    point_in_time_recovery = one(aws_dynamodb_table.this.point_in_time_recovery[*].enabled)
    deletion_protection    = aws_dynamodb_table.this.deletion_protection_enabled
  }
}
