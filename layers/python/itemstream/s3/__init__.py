"""S3 plumbing that the adapters of all buckets share: errors."""
