module "network" {
  source = "./modules/network"
  count  = var.network == null ? 0 : 1

  name                = local.name
  cidr                = var.network.cidr
  zones               = var.network.zones
  nat                 = var.network.nat
  peers               = { cache = 6379, database = 3306, database-instance = 3306 }
  interface_endpoints = var.network.interface_endpoints
  reachable           = local.reachable
  flow_logs           = var.network.flow_logs
  log_retention_days  = var.log_retention_days
  kms_key_arn         = aws_kms_key.data.arn

  permissions_boundary = local.permissions_boundary
}

locals {
  # What the roles of functions name at most, once more for all that is in the VPC.
  reachable = {
    dynamodb       = flatten([for table in module.table : [table.arn, "${table.arn}/index/*"]])
    s3             = flatten([for bucket in module.bucket : [bucket.arn, "${bucket.arn}/*"]])
    secretsmanager = values(local.secret_arns)
    sqs            = ["arn:aws:sqs:${local.region}:${local.account_id}:${local.name}-*"]
  }

  # A function goes into the VPC only for the peers that it names: outside it starts sooner and
  # reaches AWS services without endpoints.
  peers = { cache = "cache", database = "database", database_owner = "database-instance" }

  attachments = {
    for logical, function in local.functions : logical => var.network == null || length(function.network) == 0 ? null : {
      subnet_ids = module.network[0].private_subnet_ids
      security_group_ids = [
        for group in concat(["aws-clients"], [for peer in function.network : "${local.peers[peer]}-clients"]) : module.network[0].security_group_ids[group]
      ]
    }
  }
}
