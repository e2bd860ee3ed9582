# Production in small, to rehearse on.
environment        = "staging"
log_retention_days = 90

concurrency_scale = { reserved = 0.5, provisioned = 1 }

network = { cidr = "10.20.0.0/16", zones = ["a", "b"], interface_endpoints = ["sqs"] }
cache   = { node_type = "cache.t4g.small", replicas = 1, snapshot_days = 3 }

throttle   = { rate = 500, burst = 250 }
usage_plan = { rate = 100, burst = 50, quota = 1000000, period = "MONTH" }
