variable "environment" {
  description = "Environment that the role deploys."
  type        = string

  validation {
    condition     = !contains(["boundary", "deploy", "gateway", "images", "plan", "push", "state"], var.environment)
    error_message = "An environment of this name would have a pipeline that may change the pipelines' own roles."
  }
}

variable "copies" {
  description = "Whether the role also deploys numbered copies of the environment (dev123), as previews are."
  type        = bool
  default     = false
}

variable "may_destroy" {
  description = "Whether the role may delete what the environment keeps: tables, buckets with their objects, databases, secrets."
  type        = bool
  default     = false
}

variable "trust_policy" {
  description = "Who may take on the role, as JSON."
  type        = string
}

variable "state" {
  description = "Bucket of Terraform's state and the key that encrypts it: ARNs."
  type        = object({ bucket_arn = string, kms_key_arn = string })
}
