# The most that any role here can have; `itemstream bootstrap` makes the policy, once for an
# environment and its numbered copies (dev123). The pipeline may make roles under it only.

locals {
  boundary_name        = "itemstream-boundary-${replace(var.environment, "/\\d+$/", "")}"
  permissions_boundary = var.emulated ? null : "arn:aws:iam::${local.account_id}:policy/${local.boundary_name}"
}
