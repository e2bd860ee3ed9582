output "arn" {
  description = "ARN of the web ACL."
  value       = aws_wafv2_web_acl.this.arn
}

output "guarantees" {
  description = "What it must do, for the policy tests."
  value = {
    guarded         = toset(values(aws_wafv2_web_acl_association.this)[*].resource_arn)
    rules           = toset([for rule in aws_wafv2_web_acl.this.rule : rule.name])
    log_kms_key_arn = aws_cloudwatch_log_group.this.kms_key_id
  }
}
