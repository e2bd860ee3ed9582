# For developers on AWS: small, nothing kept warm, and easy to take down.
environment         = "dev"
deletion_protection = false
log_level           = "DEBUG"
log_retention_days  = 30

deployment = { strategy = "all_at_once" }

concurrency_scale = { reserved = 0.05, provisioned = 0 }

network  = { cidr = "10.10.0.0/16", zones = ["a", "b"], interface_endpoints = ["secretsmanager", "sqs"] }
cache    = { node_type = "cache.t4g.micro", replicas = 0, snapshot_days = 1 }
database = { instance_class = "db.t4g.medium", storage_gb = 20, most_storage_gb = 50, multi_az = false, backup_days = 1, final_snapshot = false }

throttle   = { rate = 100, burst = 50 }
usage_plan = { rate = 50, burst = 25, quota = 1000000, period = "MONTH" }
