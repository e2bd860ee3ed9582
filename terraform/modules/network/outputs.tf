output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Ids of the subnets for functions, one for each zone."
  value       = values(aws_subnet.private)[*].id
}

output "isolated_subnet_ids" {
  description = "Ids of the subnets for what keeps data, one for each zone."
  value       = values(aws_subnet.isolated)[*].id
}

output "security_group_ids" {
  description = "Ids of the security groups: each peer, <peer>-clients, aws and aws-clients."
  value       = { for name, group in aws_security_group.this : name => group.id }
}

output "endpoints" {
  description = "AWS services that are reached without the internet, by their names in the endpoint."
  value       = toset(concat(keys(aws_vpc_endpoint.gateway), keys(aws_vpc_endpoint.interface)))
}

output "policies" {
  description = "Policies made here, as JSON, by name."
  value = merge(
    { for role in aws_iam_role_policy.flow : "flow-logs" => role.policy },
    { for service, endpoint in merge(aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface) : "${service}-endpoint" => endpoint.policy },
  )
}
