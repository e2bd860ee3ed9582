variable "name" {
  description = "Name of the web ACL."
  type        = string
}

variable "resource_arns" {
  description = "What it guards, by a name each: stages of REST APIs."
  type        = map(string)
}

variable "requests_per_address" {
  description = "How many requests one address may make in five minutes."
  type        = number

  validation {
    condition     = var.requests_per_address >= 10 && var.requests_per_address <= 2000000000
    error_message = "WAF counts 10 to 2,000,000,000 requests of an address."
  }
}

variable "counted" {
  description = "Rules that are counted and do not block, by the managed group they are in."
  type        = map(set(string))
  default     = {}
}

variable "log_retention_days" {
  description = "How many days its log is kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts its log."
  type        = string
}
