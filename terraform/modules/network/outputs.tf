output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, one for each zone."
  value       = values(aws_subnet.private)[*].id
}

output "security_group_ids" {
  description = "Ids of the security groups: each peer, <peer>-clients, aws and aws-clients."
  value       = { for name, group in aws_security_group.this : name => group.id }
}

output "policies" {
  description = "Policies made here, as JSON, by name."
  value       = { for role in aws_iam_role_policy.flow : "flow-logs" => role.policy }
}
