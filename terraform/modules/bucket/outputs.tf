output "name" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = "arn:aws:s3:::${aws_s3_bucket.this.bucket}" # known in a plan, where S3's answer is not
}

output "protection" {
  description = "What guards the objects, for the policy tests."
  value = {
    versioning    = one(aws_s3_bucket_versioning.this.versioning_configuration[*].status)
    sse_algorithm = one(flatten([for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule : rule.apply_server_side_encryption_by_default[*].sse_algorithm]))
    kms_key_arn   = one(flatten([for rule in aws_s3_bucket_server_side_encryption_configuration.this.rule : rule.apply_server_side_encryption_by_default[*].kms_master_key_id]))
    public_access_blocked = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    tls_only = var.require_tls
  }
}
