# A Valkey cache reached over TLS by functions that authenticate with their IAM role.

locals {
  port = 6379
}

resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Isolated subnets of ${var.name}."
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_user" "functions" {
  # ElastiCache wants the id and the name of an IAM user to be the same.
  user_id       = "${var.name}-functions"
  user_name     = "${var.name}-functions"
  engine        = "valkey"
  access_string = "on ~* +@all -@dangerous"

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.functions.user_id]
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id = var.name
  description          = "Item cache of ${var.name}."
  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.node_type
  port                 = local.port
  # What restarts nodes waits for its window where a copy is all that clients have meanwhile.
  apply_immediately = var.replicas == 0

  # Minor versions come by themselves, when there is little to do.
  auto_minor_version_upgrade = true
  maintenance_window         = "sun:03:30-sun:04:30"
  snapshot_window            = "02:00-03:00"

  num_cache_clusters         = 1 + var.replicas
  automatic_failover_enabled = var.replicas > 0
  multi_az_enabled           = var.replicas > 0
  snapshot_retention_limit   = var.snapshot_days

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = var.security_group_ids

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.this
    content {
      log_type         = log_delivery_configuration.key
      log_format       = "json"
      destination_type = "cloudwatch-logs"
      destination      = log_delivery_configuration.value.name
    }
  }
}

# CloudWatch Logs lets AWS services write to groups of this prefix without a policy for each, of which
# an account has ten.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["engine-log", "slow-log"])

  name              = "/aws/vendedlogs/elasticache/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
