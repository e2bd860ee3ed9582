variable "name" {
  description = "Name of the function, its role, its log group and the start of its alarms' names."
  type        = string
}

variable "description" {
  description = "What the function does, in a sentence."
  type        = string
}

variable "handler" {
  description = "Import path of the handler."
  type        = string
}

variable "code" {
  description = "What runs: an image by digest (package_type Image), or an archive in S3 with its layers (Zip)."
  type = object({
    package_type = string
    image_uri    = optional(string)
    bucket       = optional(string)
    key          = optional(string)
    sha256       = optional(string)
    layers       = optional(list(string), [])
  })

  validation {
    condition = (
      var.code.package_type == "Image" ? var.code.image_uri != null :
      var.code.package_type == "Zip" ? var.code.bucket != null && var.code.key != null && var.code.sha256 != null : false
    )
    error_message = "Give image_uri for package_type Image, or bucket, key and sha256 for Zip."
  }
}

variable "runtime" {
  description = "Lambda runtime of a Zip function."
  type        = string
  default     = "python3.13"
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
}

variable "memory" {
  description = "Memory in MB; CPU grows with it."
  type        = number
}

variable "timeout" {
  description = "Seconds after which an invocation is ended."
  type        = number
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "reserved_concurrency" {
  description = "The most execution environments at once."
  type        = number
}

variable "provisioned_concurrency" {
  description = "Execution environments kept warm for the alias: at least `minimum`, and up to `maximum` by target tracking where `autoscaled`."
  type        = object({ minimum = number, maximum = number, autoscaled = bool })
}

variable "access" {
  description = "What the function may do: actions of one service on named resources."
  type        = list(object({ service = string, actions = list(string), resources = list(string) }))
}

variable "network" {
  description = "Subnets and security groups of a function that needs peers inside the VPC. Null: it stays outside."
  type        = object({ subnet_ids = list(string), security_group_ids = list(string) })
  default     = null
}

variable "consumes" {
  description = "Kinds of sources that call the function: stream, queue, bucket or schedule. It then knows its dead letters and, for a stream, its lag is watched."
  type        = set(string)
  default     = []
}

variable "stream_old_seconds" {
  description = "From how many seconds behind its streams on the alarm tells of it. Null: a minute."
  type        = number
  default     = null
}

variable "deployment" {
  description = "How CodeDeploy moves the alias to a new version: its application, role and deployment configuration. Null: Terraform moves it at once."
  type        = object({ application = string, role_arn = string, configuration = string })
  default     = null
}

variable "metrics" {
  description = "Namespace and service under which the function counts what it answers."
  type        = object({ namespace = string, service = string })
}

variable "kms_key_arn" {
  description = "Customer-managed key for environment variables, logs and dead letters."
  type        = string
}

variable "log_retention_days" {
  description = "How many days the log is kept."
  type        = number
}

variable "alerts_topic_arn" {
  description = "SNS topic that the alarms notify."
  type        = string
}

variable "require_tls" {
  description = "Whether the dead-letter queue refuses requests without TLS."
  type        = bool
  default     = true
}

variable "permissions_boundary" {
  description = "ARN of the policy that is the most a role made here can have. Null: none."
  type        = string
  default     = null
}
