# Keys and their reasons: docs/architecture.md.

locals {
  tables = {
    items = {
      range_key = "sk"
      stream    = true
      indexes = {
        by_category = { hash_key = "category_key", range_key = "sk" }
        by_status   = { hash_key = "status_key", range_key = "sk" }
      }
    }
    idempotency = { ttl_attribute = "expires_at" }
  }
}

module "table" {
  source   = "./modules/table"
  for_each = local.tables

  name                = "${local.name}-${replace(each.key, "_", "-")}"
  hash_key            = "pk"
  range_key           = try(each.value.range_key, null)
  indexes             = try(each.value.indexes, {})
  stream              = try(each.value.stream, false)
  ttl_attribute       = try(each.value.ttl_attribute, null)
  deletion_protection = var.deletion_protection
  kms_key_arn         = aws_kms_key.data.arn
}
