output "role_arn" {
  description = "ARN of the role."
  value       = aws_iam_role.this.arn
}

output "boundary_arn" {
  description = "ARN of the permissions boundary that every role of the environment must have."
  value       = aws_iam_policy.boundary.arn
}

output "policies" {
  description = "Policies of the role and of the boundary, as JSON by name."
  value       = merge({ for part, policy in aws_iam_policy.deploy : part => policy.policy }, { boundary = aws_iam_policy.boundary.policy })
}
