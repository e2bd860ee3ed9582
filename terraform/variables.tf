variable "environment" {
  description = "Name of the environment, part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "The environment's name is part of AWS names: two to ten lower-case letters and digits."
  }
}

variable "emulated" {
  description = "Whether AWS is emulated on this machine: without TLS, Application Auto Scaling or bucket lifecycles."
  type        = bool
  default     = false
}

variable "artifacts_file" {
  description = "Path of artifacts.json, written by `itemstream package`: images, archives and the layer, with their hashes."
  type        = string
}

variable "package_type" {
  description = "Image or Zip for every function of which the catalogue does not say it. Null: the catalogue's default."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted, buckets that hold objects stay, and secrets can be restored for a month."
  type        = bool
  default     = true
}

variable "log_level" {
  description = "Least severe level that functions log."
  type        = string
  default     = "INFO"
}

variable "log_retention_days" {
  description = "How many days logs are kept."
  type        = number
  default     = 365
}

variable "alert_emails" {
  description = "Addresses that alarms are sent to; each must confirm."
  type        = set(string)
  default     = []
}

variable "deployment" {
  description = "How functions come to a new version: strategy all_at_once (Terraform moves them), or one of CodeDeploy's, such as canary10percent5minutes or linear10percentevery1minute, with which `itemstream deploy` moves them. To be chosen before the first apply."
  type        = object({ strategy = optional(string, "canary10percent5minutes") })
  default     = {}

  validation {
    condition = contains([
      "all_at_once",
      "canary10percent5minutes", "canary10percent10minutes", "canary10percent15minutes", "canary10percent30minutes",
      "linear10percentevery1minute", "linear10percentevery2minutes", "linear10percentevery3minutes", "linear10percentevery10minutes",
    ], var.deployment.strategy)
    error_message = "strategy must be all_at_once, canary10percent5minutes (10, 15, 30) or linear10percentevery1minute (2minutes, 3minutes, 10minutes)."
  }
}

variable "concurrency_scale" {
  description = "Factors by which the catalogue's reserved and provisioned concurrency apply here; provisioned 0 keeps nothing warm. All environments of an account share its concurrent executions."
  type        = object({ reserved = number, provisioned = number })
  default     = { reserved = 1, provisioned = 1 }

  validation {
    condition     = var.concurrency_scale.reserved > 0
    error_message = "reserved must be more than 0, or every function would be switched off."
  }
}

variable "shards" {
  description = "Partitions that each tenant's items are spread over, fixed once there are items; and those of the subscribers of a topic that any client may have, which may be changed at any time."
  type        = object({ items = optional(number, 4), subscribers = optional(number, 8) })
  default     = {}
}

variable "events" {
  description = "How far back events can be replayed: hours that the event log is kept, days of the bus's archive."
  type        = object({ retention_hours = optional(number, 360), archive_days = optional(number, 30) })
  default     = {}
}

variable "bronze_keep_days" {
  description = "How many days raw call records stay in bronze before they go to the archive; their time to live, 90 days, is the net below."
  type        = number
  default     = 60

  validation {
    condition     = var.bronze_keep_days >= 15 && var.bronze_keep_days < 90
    error_message = "Dead letters may need bronze for 14 days, and after 90 its rows go without being archived."
  }
}

variable "notification_emails" {
  description = "Addresses that notifications are sent to, each with the filter (SNS filter policy) over tenant, type and severity that it wants; each must confirm."
  type        = map(map(list(string)))
  default     = {}
}

variable "network" {
  description = "VPC for functions that need peers inside it: address range, letters of two or three zones, NAT gateways (none, one, or zone: one in each), interface endpoints and flow logs. Null: none."
  type = object({
    cidr                = string
    zones               = list(string)
    nat                 = optional(string, "none")
    interface_endpoints = optional(set(string), [])
    flow_logs           = optional(bool, true)
  })
  default = null
}

variable "cache" {
  description = "ElastiCache for items: node type, replicas and days of snapshots. Null: the one of `external` instead."
  type        = object({ node_type = string, replicas = number, snapshot_days = number })
  default     = null

  validation {
    condition     = var.cache == null || var.network != null
    error_message = "The cache lies in the VPC: set `network` too."
  }
}

variable "database" {
  description = "RDS for MySQL, for reports: instance class, GB of storage to begin with and at most, whether a copy in another zone takes over, days of backups, and whether a snapshot stays when it is deleted. Null: the one of `external` instead."
  type = object({
    instance_class  = string
    storage_gb      = number
    most_storage_gb = number
    multi_az        = bool
    backup_days     = number
    final_snapshot  = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.database == null || var.network != null
    error_message = "The database lies in the VPC: set `network` too."
  }
}

variable "external" {
  description = "What is there already: a Redis without IAM authentication, where `cache` is null (empty: none), a MySQL with password and without TLS, where `database` is null (empty: none), and, where AWS is emulated, the URL under which APIs answer as <URL>/<API id>/<stage>."
  type = object({
    redis_url       = optional(string, "")
    database_host   = optional(string, "")
    database_port   = optional(number, 3306)
    execute_api_url = optional(string, "")
  })
  default = {}
}

variable "domains" {
  description = "Names of one's own, by API (rest, http, websocket; no two the same), each with the ARN of its certificate in this region (null: one is made) and, but for websocket, a truststore: a PEM file in S3 with the authorities whose clients alone may call (mutual TLS). zone_id: the zone of Route 53 in which names are made and certificates validated (null: you do both)."
  type = object({
    zone_id = optional(string)
    names = optional(map(object({
      name            = string
      certificate_arn = optional(string)
      truststore      = optional(object({ uri = string, version = optional(string) }))
    })), {})
  })
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.domains.names), ["rest", "http", "websocket"])) == 0 && length(distinct(values(var.domains.names)[*].name)) == length(var.domains.names)
    error_message = "Names are those of the APIs rest, http and websocket, and each has its own."
  }
}

variable "web_acl" {
  description = "Firewall (AWS WAF) of the REST API: requests that one address may make in five minutes, and rules of AWS's common set that are counted only. Null: none."
  type = object({
    requests_per_address = optional(number, 6000)
    # Items may be longer than the 8 KB that this rule allows, and API Gateway checks their shape.
    counted_rules = optional(set(string), ["SizeRestrictions_BODY"])
  })
  default = null
}

variable "tokens" {
  description = "Which tokens are accepted. Null fields: tokens signed with our own keys. How the issuer writes them (rfc9068, auth0, cognito, entra or keycloak), and the claim that names the tenant."
  type = object({
    jwks_url         = optional(string)
    issuer           = optional(string)
    audience         = optional(string)
    profile          = optional(string, "rfc9068")
    tenant_claim     = optional(string, "tenant")
    cooldown_seconds = optional(number, 30)
    max_age_seconds  = optional(number, 300)
  })
  default = {}

  validation {
    condition     = contains(["rfc9068", "auth0", "cognito", "entra", "keycloak"], var.tokens.profile)
    error_message = "A token's profile is rfc9068, auth0, cognito, entra or keycloak."
  }

  validation {
    condition     = var.tokens.cooldown_seconds <= 60
    error_message = "A rotation of keys waits for a whole cooldown within one step: 60 seconds at most."
  }
}

variable "secret_rotation_days" {
  description = "After how many days secrets are rotated: signing keys, and the password to the database."
  type        = number
  default     = 30

  validation {
    condition     = var.secret_rotation_days >= 1 && var.secret_rotation_days <= 1000
    error_message = "Secrets Manager rotates every 1 to 1000 days."
  }
}

variable "authorizer_ttl_seconds" {
  description = "How long the gateway keeps the authorizer's answer for a token, and so how long a token may outlive its expiry."
  type        = number
  default     = 60
}

variable "cors_origin" {
  description = "Origin whose pages may call the API, or \"*\": tokens travel in a header that no browser adds by itself."
  type        = string
  default     = "*"
}

variable "throttle" {
  description = "Requests (of the WebSocket API: handshakes and messages) a second, and at once, of each API; the same for single routes, by \"METHOD /path\"."
  type = object({
    rate  = number
    burst = number
    routes = optional(map(object({ rate = number, burst = number })), {
      "GET /health"       = { rate = 50, burst = 50 }
      "GET /docs/{asset}" = { rate = 20, burst = 40 }
    })
  })
  default = { rate = 2000, burst = 1000 }
}

variable "rate_limits" {
  description = "Requests that each tenant may make at once, and the seconds in which an allowance that is used up comes back: of reports, of permissions to upload a picture, and of tickets for the WebSocket API."
  type = object({
    reports       = optional(object({ requests = number, seconds = number }), { requests = 20, seconds = 3600 })
    image_uploads = optional(object({ requests = number, seconds = number }), { requests = 300, seconds = 60 })
    tickets       = optional(object({ requests = number, seconds = number }), { requests = 600, seconds = 60 })
  })
  default = {}

  validation {
    condition = alltrue([
      for limit in values(var.rate_limits) : limit.requests >= 1 && limit.seconds >= 1 && floor(limit.requests) == limit.requests && floor(limit.seconds) == limit.seconds
    ])
    error_message = "A rate limit is a whole number of requests, 1 or more, in a whole number of seconds, 1 or more."
  }
}

variable "response_cache" {
  description = "Response cache of the REST API: answers may be as old as its time to live, a client's own writes included. Null: none."
  type        = object({ size_gb = string, ttl_seconds = number })
  default     = null
}

variable "usage_plan" {
  description = "Rate, burst and quota in each period (DAY, WEEK or MONTH) of one API key."
  type        = object({ rate = number, burst = number, quota = number, period = string })
  default     = { rate = 500, burst = 250, quota = 10000000, period = "MONTH" }
}

variable "api_keys" {
  description = "Names of API keys to make for the usage plan."
  type        = set(string)
  default     = []
}

variable "api_key_required" {
  description = "Whether REST calls need an API key beside the token."
  type        = bool
  default     = false
}

variable "operations_tenant" {
  description = "Tenant of those who run the platform: events about the platform itself are its events."
  type        = string
  default     = "operations"
}

variable "canary_tenant" {
  description = "Tenant of the canary, which uses the APIs each minute to see that they work; nobody is notified of its items."
  type        = string
  default     = "canary"
}

variable "health" {
  description = "Checks in a row that a change of a part's health takes, a minute each."
  type        = object({ lasting_checks = optional(number, 3) })
  default     = {}
}
