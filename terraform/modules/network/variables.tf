variable "name" {
  description = "Start of the names of everything in the network."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC; each zone takes a sixteenth."
  type        = string
}

variable "zones" {
  description = "Letters of the availability zones, two or three."
  type        = list(string)

  validation {
    condition     = contains([2, 3], length(var.zones))
    error_message = "Name two or three availability zones by their letters, such as [\"a\", \"b\"]."
  }
}

variable "peers" {
  description = "What functions reach inside the VPC: name and port. Each gets a security group, and one for its clients."
  type        = map(number)
}

variable "interface_endpoints" {
  description = "AWS services reached through interface endpoints, by their names in the endpoint (secretsmanager, sqs …)."
  type        = set(string)
  default     = []
}

variable "flow_logs" {
  description = "Whether the traffic is logged."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "How many days flow logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts flow logs."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that is the most a role made here can have. Null: none."
  type        = string
  default     = null
}
