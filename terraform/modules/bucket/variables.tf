variable "name" {
  description = "Name of the bucket, unique in the world."
  type        = string
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the objects."
  type        = string
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may delete a bucket that still holds objects."
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Whether requests without TLS are refused."
  type        = bool
  default     = true
}

variable "lifecycle_rules" {
  description = "Whether superseded versions and abandoned uploads are removed."
  type        = bool
  default     = true
}

variable "superseded_days" {
  description = "How many days a superseded version is kept."
  type        = number
  default     = 30
}
