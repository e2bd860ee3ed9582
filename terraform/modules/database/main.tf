# RDS for MySQL: no way in but TLS from named security groups, its owner's password made and rotated
# by RDS. Functions come through the proxy (proxy.tf).

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  port  = 3306
  owner = "itemstream_owner"
  place = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  # What concerns statements is the same in the local stack (tools/dependencies/mariadb.py). Some
  # wait for a restart: RDS wants to be told which.
  parameters = {
    character_set_server = { value = "utf8mb4" }
    collation_server     = { value = "utf8mb4_bin" }
    time_zone            = { value = "UTC" }
    # What does not fit is refused, never bent.
    sql_mode = { value = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION" }
    # Less than clients wait for an answer: the server gives up first, leaving nothing behind.
    innodb_lock_wait_timeout = { value = "4" }
    lock_wait_timeout        = { value = "20" }
    max_allowed_packet       = { value = "67108864" }
    # Deadlocks are notes of the error log, and slow statements are in a file: both become logs.
    innodb_print_all_deadlocks = { value = "1" }
    log_error_verbosity        = { value = "3" }
    log_output                 = { value = "FILE" }
    slow_query_log             = { value = "1" }
    long_query_time            = { value = "2" }
    performance_schema         = { value = "1", apply_method = "pending-reboot" }
  }

  logs = toset(["error", "slowquery"])
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Isolated subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-mysql84"
  family      = "mysql8.4"
  description = "TLS only, UTC, Unicode compared byte by byte, short waits for locks."

  parameter {
    name  = "require_secure_transport"
    value = "1"
  }

  dynamic "parameter" {
    for_each = local.parameters
    content {
      name         = parameter.key
      value        = parameter.value.value
      apply_method = try(parameter.value.apply_method, "immediate")
    }
  }
}

# RDS would make them itself, without a key or an end.
resource "aws_cloudwatch_log_group" "instance" {
  for_each = local.logs

  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_db_instance" "this" {
  depends_on = [aws_cloudwatch_log_group.instance]

  identifier     = var.name
  engine         = "mysql"
  engine_version = "8.4"
  instance_class = var.instance_class
  db_name        = var.database_name
  port           = local.port

  # No password passes through Terraform: RDS makes it, keeps it in Secrets Manager and rotates it.
  username                            = local.owner
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = var.kms_key_arn
  iam_database_authentication_enabled = true

  storage_type          = "gp3"
  allocated_storage     = var.storage.gb
  max_allocated_storage = var.storage.most_gb
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = var.instance_security_group_ids
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period  = var.backup_days
  backup_window            = "02:00-03:00"
  maintenance_window       = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot    = true
  deletion_protection      = var.deletion_protection
  delete_automated_backups = !var.deletion_protection
  skip_final_snapshot      = !var.final_snapshot
  # Named after its birth: the last snapshot of a database of the same name may still be there.
  final_snapshot_identifier = var.final_snapshot ? "${var.name}-${formatdate("YYYYMMDDhhmmss", timestamp())}" : null

  auto_minor_version_upgrade = true
  apply_immediately          = !var.deletion_protection

  enabled_cloudwatch_logs_exports       = local.logs
  database_insights_mode                = "standard"
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn

  lifecycle {
    # The time of each plan.
    ignore_changes = [final_snapshot_identifier]
  }
}

# The operating system's figures, each minute.
resource "aws_iam_role" "monitoring" {
  name                 = "${var.name}-database-monitoring"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

# The log group is the account's, with a name that RDS has chosen.
resource "aws_iam_role_policy" "monitoring" {
  name = "write-log"
  role = aws_iam_role.monitoring.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:PutRetentionPolicy"]
        Resource = ["arn:aws:logs:${local.place}:log-group:RDSOSMetrics"]
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:GetLogEvents", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:${local.place}:log-group:RDSOSMetrics:log-stream:*"]
      },
    ]
  })
}
