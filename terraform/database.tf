# MySQL for reports. Functions reach it as `itemstream`, which reads and writes rows; `migrate` and
# the rotation of secrets as its owner.

module "database" {
  source = "./modules/database"
  count  = var.database == null ? 0 : 1

  name                        = local.name
  database_name               = local.database_name
  instance_class              = var.database.instance_class
  storage                     = { gb = var.database.storage_gb, most_gb = var.database.most_storage_gb }
  multi_az                    = var.database.multi_az
  backup_days                 = var.database.backup_days
  deletion_protection         = var.deletion_protection
  final_snapshot              = var.database.final_snapshot
  subnet_ids                  = module.network[0].isolated_subnet_ids
  instance_security_group_ids = [module.network[0].security_group_ids["database-instance"]]
  proxy_security_group_ids    = [for group in ["database", "database-instance-clients"] : module.network[0].security_group_ids[group]]
  user_secret_arn             = aws_secretsmanager_secret.this["database"].arn
  kms_key_arn                 = aws_kms_key.data.arn
  log_retention_days          = var.log_retention_days
  alerts_topic_arn            = aws_sns_topic.alerts.arn
  permissions_boundary        = local.permissions_boundary
}

locals {
  migrations = "${path.module}/../layers/python/itemstream/mysql/migrations"
}

# The schema and its user, whenever migrations or the function that applies them are new. An apply
# fails where they are refused. The local stack has no database of ours: `make up` does the same.
resource "aws_lambda_invocation" "migrate" {
  count = var.database == null ? 0 : 1

  # The function knows the instance, but not who lets it in and out.
  depends_on = [module.database, module.network]

  function_name = module.function["migrate"].name
  qualifier     = module.function["migrate"].alias.name
  input         = jsonencode({})

  triggers = {
    migrations = sha256(jsonencode({ for file in fileset(local.migrations, "*.sql") : file => filesha256("${local.migrations}/${file}") }))
    version    = module.function["migrate"].guarantees.version
  }
}

locals {
  database_name = "itemstream"
  database_user = "itemstream"

  # With a database of ours functions log in by IAM, over TLS; with one that is there already by
  # password. The authorities are files of the package itemstream.mysql.
  database = var.database == null ? {
    host         = var.external.database_host
    port         = var.external.database_port
    secret       = aws_secretsmanager_secret.this["database"].arn
    tls_ca       = ""
    owner        = "itemstream_owner"
    owner_host   = var.external.database_host
    owner_secret = aws_secretsmanager_secret.this["database_owner"].arn
    owner_tls_ca = ""
    access       = { service = "secretsmanager", actions = ["GetSecretValue"], resources = [aws_secretsmanager_secret.this["database"].arn] }
    } : {
    host         = module.database[0].host
    port         = module.database[0].port
    secret       = ""
    tls_ca       = "certificates/rds_proxy.pem"
    owner        = module.database[0].owner
    owner_host   = module.database[0].instance_host
    owner_secret = module.database[0].owner_secret_arn
    owner_tls_ca = "certificates/rds.pem"
    access       = { service = "rds-db", actions = ["connect"], resources = ["${module.database[0].connect_arn_prefix}${local.database_user}"] }
  }

  database_settings = {
    database = {
      DATABASE_HOST   = local.database.host
      DATABASE_PORT   = tostring(local.database.port)
      DATABASE_NAME   = local.database_name
      DATABASE_USER   = local.database_user
      DATABASE_SECRET = local.database.secret
      DATABASE_TLS_CA = local.database.tls_ca
    }
    # Straight to the instance: what the owner does belongs to a session.
    database_owner = {
      DATABASE_HOST         = local.database.owner_host
      DATABASE_PORT         = tostring(local.database.port)
      DATABASE_NAME         = local.database_name
      DATABASE_USER         = local.database_user
      DATABASE_USER_SECRET  = aws_secretsmanager_secret.this["database"].arn
      DATABASE_OWNER        = local.database.owner
      DATABASE_OWNER_SECRET = local.database.owner_secret
      DATABASE_TLS_CA       = local.database.owner_tls_ca
    }
  }

  # The owner's password is in a secret of ours only where RDS makes none.
  database_owner_secrets = var.database == null ? { database_owner = "Password of the user that owns the MySQL schema." } : {}
  secret_arns = merge(
    { for name, secret in aws_secretsmanager_secret.this : name => secret.arn },
    { for database in module.database : "database_owner" => database.owner_secret_arn },
  )
}
