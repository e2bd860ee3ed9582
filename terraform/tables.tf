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

    # Which events subscribers were told of. Apart from the marks of the log, which only its writer
    # may touch.
    notification_marks = { ttl_attribute = "expires_at" }

    # The log of events, in order for each tenant; its stream goes to the bus.
    events = { range_key = "sk", stream = true, ttl_attribute = "expires_at" }

    # The latest health of all parts, which its stream tells of, and what each check found.
    health = { range_key = "sk", stream = true, ttl_attribute = "expires_at" }

    # Connections of WebSocket clients, what they subscribe to, and the tickets that open them.
    connections = { range_key = "sk", ttl_attribute = "expires_at" }
    tickets     = { ttl_attribute = "expires_at" }

    # Pictures that are not on their item: pending and failed.
    image_uploads = { range_key = "sk", stream = true, ttl_attribute = "expires_at" }

    # Call records as they came, cleaned, and such as cannot be cleaned.
    bronze_call = { range_key = "sk", stream = true, ttl_attribute = "expires_at" }
    silver_call = {
      stream = true
      indexes = {
        by_day    = { hash_key = "day_key", range_key = "occurred_key" }
        by_client = { hash_key = "client_key", range_key = "occurred_key" }
      }
    }
    rejected_call = { range_key = "sk", ttl_attribute = "expires_at" }

    # What the cleanup did, and where its tasks go on.
    cleanup = { stream = true, ttl_attribute = "expires_at" }

    # Reports by tenant and week: asked for, ready or failed.
    reports = { range_key = "sk", stream = true, ttl_attribute = "expires_at" }
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
