output "name" {
  description = "Id of the replication group, which is part of an IAM authentication token."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "url" {
  description = "URL of the primary, over TLS."
  value       = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:${local.port}/0"
}

output "iam_user" {
  description = "User that functions authenticate as."
  value       = aws_elasticache_user.functions.user_name
}

output "connect_arns" {
  description = "What elasticache:Connect is allowed on: the cache and its user."
  value       = [aws_elasticache_replication_group.this.arn, aws_elasticache_user.functions.arn]
}

output "subnet_ids" {
  description = "Subnets of the nodes."
  value       = aws_elasticache_subnet_group.this.subnet_ids
}

output "protection" {
  description = "What guards the data, for the policy tests."
  value = {
    encrypted_at_rest    = aws_elasticache_replication_group.this.at_rest_encryption_enabled
    encrypted_in_transit = aws_elasticache_replication_group.this.transit_encryption_enabled
    kms_key_arn          = aws_elasticache_replication_group.this.kms_key_id
    snapshot_days        = aws_elasticache_replication_group.this.snapshot_retention_limit
    replicas             = aws_elasticache_replication_group.this.num_cache_clusters - 1
    takes_over           = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    iam_only             = one(aws_elasticache_user.functions.authentication_mode[*].type) == "iam" && aws_elasticache_user_group.this.user_ids == toset([aws_elasticache_user.functions.user_id])
    logs                 = toset([for delivery in aws_elasticache_replication_group.this.log_delivery_configuration : delivery.log_type])
  }
}
