environment = "prod"

# Leaves room for staging, dev and two previews in the same account, of the 1,000 concurrent
# executions it has by default; in an account of its own: 1.
concurrency_scale = { reserved = 0.55, provisioned = 1 }

network  = { cidr = "10.30.0.0/16", zones = ["a", "b", "c"], interface_endpoints = ["secretsmanager", "sqs"] }
cache    = { node_type = "cache.r7g.large", replicas = 2, snapshot_days = 14 }
database = { instance_class = "db.r7g.large", storage_gb = 100, most_storage_gb = 1000, multi_az = true, backup_days = 35 }

web_acl = {}

events = { archive_days = 90 }
