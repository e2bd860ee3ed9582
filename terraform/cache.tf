module "cache" {
  source = "./modules/cache"
  count  = var.cache == null ? 0 : 1

  name               = local.name
  node_type          = var.cache.node_type
  replicas           = var.cache.replicas
  snapshot_days      = var.cache.snapshot_days
  subnet_ids         = module.network[0].isolated_subnet_ids
  security_group_ids = [module.network[0].security_group_ids["cache"]]
  log_retention_days = var.log_retention_days
  kms_key_arn        = aws_kms_key.data.arn
}

locals {
  cache = {
    url      = var.cache == null ? var.external.redis_url : module.cache[0].url
    name     = var.cache == null ? "" : module.cache[0].name
    iam_user = var.cache == null ? "" : module.cache[0].iam_user
    access   = [for cache in module.cache : { service = "elasticache", actions = ["Connect"], resources = cache.connect_arns }]
  }
}
