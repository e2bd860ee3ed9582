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

variable "expire_days" {
  description = "How many days an object is kept. Null: until it is deleted."
  type        = number
  default     = null
}

variable "cors" {
  description = "What pages of which origins may do by presigned requests. Null: nothing."
  type        = object({ origins = list(string), methods = list(string), exposed_headers = list(string) })
  default     = null
}

variable "superseded_days" {
  description = "How many days a superseded version is kept."
  type        = number
  default     = 30
}
