output "arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
}

output "name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

output "url" {
  description = "URL of the queue."
  value       = aws_sqs_queue.this.url
}

output "dead_letters" {
  description = "The dead-letter queue (arn, name, url), or null."
  value = local.has_dead_letters ? {
    arn  = aws_sqs_queue.dead_letters[0].arn
    name = aws_sqs_queue.dead_letters[0].name
    url  = aws_sqs_queue.dead_letters[0].url
  } : null
}
