# Terraform's state of every environment of the account, and of this root: locked by S3's own lock
# files, each version kept for a year.

resource "aws_kms_key" "state" {
  description             = "Terraform's state of Itemstream."
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountAdministers"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_alias" "state" {
  name          = "alias/itemstream-state"
  target_key_id = aws_kms_key.state.key_id
}

module "state" {
  source = "../modules/bucket"

  name            = "itemstream-state-${local.account_id}"
  kms_key_arn     = aws_kms_key.state.arn
  require_tls     = !var.emulated
  lifecycle_rules = !var.emulated
  superseded_days = 365
}

locals {
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.name
  state      = { bucket_arn = module.state.arn, kms_key_arn = aws_kms_key.state.arn }
}
