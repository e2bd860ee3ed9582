variable "name" {
  description = "Start of the names of everything in the network."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC, /16 to /24; each subnet takes a sixteenth."
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

variable "nat" {
  description = "NAT gateways, for functions that call what has no endpoint: none, one (which is lost with its zone), or one in each zone (zone)."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "one", "zone"], var.nat)
    error_message = "There are NAT gateways in none, one or each zone: say \"none\", \"one\" or \"zone\"."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached through interface endpoints, by their names in the endpoint (secretsmanager, sqs …); S3 and DynamoDB have gateway endpoints."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setintersection(var.interface_endpoints, ["dynamodb", "s3"])) == 0
    error_message = "S3 and DynamoDB have gateway endpoints, which cost nothing: leave them out of the list."
  }
}

variable "reachable" {
  description = "ARNs that may be reached through the endpoint of each service; what is not said may be reached as a whole, by this account."
  type        = map(list(string))
  default     = {}
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
