# Containers only: `itemstream` writes the values, so that none is ever in Terraform's state.

locals {
  secrets = {
    cursor_signing = "Keys that sign list cursors."
    token_signing  = "Keys that sign access tokens."
  }

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
