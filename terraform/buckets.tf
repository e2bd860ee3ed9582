locals {
  buckets = {
    keys      = {} # jwks.json: the public keys that tokens are verified with
    artifacts = {} # archives of Zip functions and of the layer

    # Pictures as they were sent: as long as a dead letter may ask for them again.
    uploads = { expire_days = 15, superseded_days = 1, cors = true }
    # Their renditions: another bucket, so that what is written here cannot trigger the writer.
    processed = {}
    # Files of call records; bronze has what they said.
    landing = { expire_days = 90 }
    # What bronze held, compressed; people's addresses are in it.
    archive = { expire_days = 400 }
    # Files of reports: a little longer than the rows that lead to them.
    reports = { expire_days = 400 }
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
  expire_days     = try(each.value.expire_days, null)
  superseded_days = try(each.value.superseded_days, 30)
  # For presigned POSTs of browsers.
  cors = try(each.value.cors, false) ? { origins = [var.cors_origin], methods = ["POST"], exposed_headers = ["ETag"] } : null
}
