# ARNs are made of names, so that a plan says already who may reach what.

output "arn" {
  description = "ARN of the queue."
  value       = "${local.arn_prefix}:${aws_sqs_queue.this.name}"
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
    arn  = "${local.arn_prefix}:${aws_sqs_queue.dead_letters[0].name}"
    name = aws_sqs_queue.dead_letters[0].name
    url  = aws_sqs_queue.dead_letters[0].url
  } : null
}

output "policy" {
  description = "Who may send, as JSON; null where only roles may."
  value       = length(var.senders) == 0 ? null : aws_sqs_queue.this.policy
}

output "guarantees" {
  description = "What a queue must have, for the policy tests."
  value = {
    visibility_timeout_seconds = aws_sqs_queue.this.visibility_timeout_seconds
    max_receive_count          = var.max_receive_count == null ? null : jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount
    dead_letters_arn           = var.max_receive_count == null ? null : jsondecode(aws_sqs_queue.this.redrive_policy).deadLetterTargetArn
    alarms                     = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => { queue = alarm.dimensions.QueueName, actions = alarm.alarm_actions } }
  }
}
