output "host" {
  description = "Host of the registry."
  value       = "${local.account_id}.dkr.ecr.${data.aws_region.current.name}.amazonaws.com"
}

output "repositories" {
  description = "Repositories by family: name and ARN."
  value       = { for family, repository in aws_ecr_repository.this : family => { name = repository.name, arn = repository.arn } }
}

output "kms_key_arn" {
  description = "Key that encrypts the images."
  value       = aws_kms_key.this.arn
}

output "policies" {
  description = "Policies made here, as JSON, by name."
  value = merge(
    { key = aws_kms_key.this.policy },
    { for family, policy in aws_ecr_repository_policy.this : "${family}_repository" => policy.policy },
  )
}
