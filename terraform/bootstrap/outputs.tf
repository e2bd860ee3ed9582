output "state_bucket" {
  description = "Bucket of Terraform's state."
  value       = module.state.name
}

output "registry" {
  description = "Host of the registry of images."
  value       = module.registry.host
}

output "roles" {
  description = "ARNs of the roles that workflows take on: plan, push, and one for each environment under deploy."
  value = {
    plan   = aws_iam_role.plan.arn
    push   = aws_iam_role.push.arn
    deploy = { for environment, role in module.deploy_role : environment => role.role_arn }
  }
}

output "policies" {
  description = "Every policy that allows something, as JSON by name: what to review, and what the policy tests read."
  value = merge(
    { plan = aws_iam_policy.plan.policy, push = aws_iam_policy.push.policy, state_key = aws_kms_key.state.policy },
    { for name, policy in module.registry.policies : "registry ${name}" => policy },
    merge([for environment, role in module.deploy_role : { for part, policy in role.policies : "deploy ${environment} ${part}" => policy }]...),
  )
}

output "trust_policies" {
  description = "Who may take on each role, as JSON by role."
  value       = local.trust_policies
}
