# Containers only: `itemstream` writes the values, so that none is ever in Terraform's state.

locals {
  secrets = merge({
    cursor_signing = "Keys that sign list cursors."
    database       = "Password of the user that functions log in to MySQL as."
    token_signing  = "Keys that sign access tokens."
    canary_client  = "What the canary is known by: its OAuth 2.0 client, where tokens are not signed with our own keys, and its certificate, where clients need one."
  }, local.database_owner_secrets)

  # The function `rotate_secret` knows how.
  rotated_secrets = toset(["cursor_signing", "database", "token_signing"])

  tokens = {
    jwks_url = coalesce(var.tokens.jwks_url, "s3://${module.bucket["keys"].name}/jwks.json")
    issuer   = coalesce(var.tokens.issuer, "urn:${local.name}")
    audience = coalesce(var.tokens.audience, local.name)
  }
}

resource "aws_secretsmanager_secret" "this" {
  for_each = local.secrets

  name                    = "${local.name}-${replace(each.key, "_", "-")}"
  description             = each.value
  kms_key_id              = aws_kms_key.data.arn
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}

module "secret_rotation" {
  source = "./modules/secret_rotation"

  name             = local.name
  secret_arns      = { for name in local.rotated_secrets : name => aws_secretsmanager_secret.this[name].arn }
  days             = var.secret_rotation_days
  account_id       = local.account_id
  alerts_topic_arn = aws_sns_topic.alerts.arn

  function = {
    name      = module.function["rotate_secret"].name
    alias     = module.function["rotate_secret"].alias.name
    alias_arn = module.function["rotate_secret"].alias.arn
  }
}
