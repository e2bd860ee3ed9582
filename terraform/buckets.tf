locals {
  buckets = {
    keys      = {} # jwks.json: the public keys that tokens are verified with
    artifacts = {} # archives of Zip functions and of the layer
  }
}

module "bucket" {
  source   = "./modules/bucket"
  for_each = local.buckets

  # Bucket names are unique in the world: the account makes them so.
  name            = "${local.name}-${replace(each.key, "_", "-")}-${local.account_id}"
  kms_key_arn     = aws_kms_key.data.arn
  force_destroy   = !var.deletion_protection
  require_tls     = !var.emulated
  lifecycle_rules = !var.emulated
}
