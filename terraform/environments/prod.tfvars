environment = "prod"

network = { cidr = "10.30.0.0/16", zones = ["a", "b", "c"], interface_endpoints = ["sqs"] }
cache   = { node_type = "cache.r7g.large", replicas = 2, snapshot_days = 14 }

events = { archive_days = 90 }
