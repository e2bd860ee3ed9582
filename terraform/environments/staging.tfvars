# Production in small, to rehearse on.
environment        = "staging"
log_retention_days = 90

concurrency_scale = { reserved = 0.15, provisioned = 0.3 }

network  = { cidr = "10.20.0.0/16", zones = ["a", "b"], interface_endpoints = ["secretsmanager", "sqs"] }
cache    = { node_type = "cache.t4g.small", replicas = 1, snapshot_days = 3 }
database = { instance_class = "db.t4g.medium", storage_gb = 20, most_storage_gb = 100, multi_az = true, backup_days = 7 }

throttle   = { rate = 500, burst = 250 }
usage_plan = { rate = 100, burst = 50, quota = 1000000, period = "MONTH" }
