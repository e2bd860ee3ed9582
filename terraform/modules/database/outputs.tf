output "host" {
  description = "Where functions connect: the proxy."
  value       = aws_db_proxy.this.endpoint
}

output "instance_host" {
  description = "Where the owner connects: the instance itself."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of both."
  value       = local.port
}

output "owner" {
  description = "Name of the user that owns the schema."
  value       = local.owner
}

output "owner_secret_arn" {
  description = "Secret of the owner's password, which RDS has made and rotates."
  value       = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "connect_arn_prefix" {
  description = "What rds-db:connect is allowed on at the proxy: followed by the user's name."
  # The proxy's id is the end of its ARN (RDS User Guide, "IAM policy for IAM database access").
  value = "arn:aws:rds-db:${local.place}:dbuser:${element(split(":", aws_db_proxy.this.arn), 6)}/"
}

output "subnet_ids" {
  description = "Subnets of the instance and of the proxy."
  value       = setunion(aws_db_subnet_group.this.subnet_ids, aws_db_proxy.this.vpc_subnet_ids)
}

output "policies" {
  description = "Policies made here, as JSON, by name."
  value = {
    database-proxy      = aws_iam_role_policy.proxy.policy
    database-monitoring = aws_iam_role_policy.monitoring.policy
  }
}

output "protection" {
  description = "What guards the data, for the policy tests."
  value = {
    public              = aws_db_instance.this.publicly_accessible
    encrypted_at_rest   = aws_db_instance.this.storage_encrypted
    kms_key_arns        = toset([aws_db_instance.this.kms_key_id, aws_db_instance.this.master_user_secret_kms_key_id, aws_db_instance.this.performance_insights_kms_key_id])
    tls_only            = aws_db_proxy.this.require_tls && anytrue([for parameter in aws_db_parameter_group.this.parameter : parameter.name == "require_secure_transport" && parameter.value == "1"])
    sql_mode            = one([for parameter in aws_db_parameter_group.this.parameter : parameter.value if parameter.name == "sql_mode"])
    iam_only            = alltrue([for auth in aws_db_proxy.this.auth : auth.iam_auth == "REQUIRED"])
    password_managed    = aws_db_instance.this.manage_master_user_password
    multi_az            = aws_db_instance.this.multi_az
    backup_days         = aws_db_instance.this.backup_retention_period
    deletion_protection = aws_db_instance.this.deletion_protection
    final_snapshot      = !aws_db_instance.this.skip_final_snapshot
    grows               = aws_db_instance.this.max_allocated_storage > aws_db_instance.this.allocated_storage
    alarms              = concat(keys(aws_cloudwatch_metric_alarm.this), ["connections"])
    alarm_actions       = toset(flatten([aws_cloudwatch_metric_alarm.connections.alarm_actions, [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions]]))
  }
}
