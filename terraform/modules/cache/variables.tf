variable "name" {
  description = "Name of the cache, in lower case, at most 30 characters."
  type        = string
}

variable "node_type" {
  description = "Size of a node, such as cache.t4g.micro."
  type        = string
}

variable "replicas" {
  description = "Copies beside the primary; with one or more, another zone takes over."
  type        = number
}

variable "snapshot_days" {
  description = "How many days daily snapshots are kept."
  type        = number
}

variable "subnet_ids" {
  description = "Subnets of the nodes."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the nodes."
  type        = list(string)
}

variable "log_retention_days" {
  description = "How many days its logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the cache at rest, and its logs."
  type        = string
}
