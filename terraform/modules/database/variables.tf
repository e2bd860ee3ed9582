variable "name" {
  description = "Name of the instance and of its proxy."
  type        = string
}

variable "database_name" {
  description = "Name of the database that is made in it."
  type        = string
}

variable "instance_class" {
  description = "Size of the instance, such as db.t4g.medium: the smallest that Performance Insights knows."
  type        = string
}

variable "storage" {
  description = "GB to begin with, and how far the storage grows by itself."
  type        = object({ gb = number, most_gb = number })

  validation {
    condition     = var.storage.most_gb > var.storage.gb && var.storage.gb >= 20
    error_message = "Storage begins with 20 GB or more, and has room to grow."
  }
}

variable "multi_az" {
  description = "Whether a copy in another zone takes over."
  type        = bool
}

variable "backup_days" {
  description = "How many days backups are kept, any moment of which can be restored."
  type        = number

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "RDS keeps backups for 1 to 35 days."
  }
}

variable "deletion_protection" {
  description = "Whether it cannot be deleted, keeps its backups, and waits for its window to change."
  type        = bool
}

variable "final_snapshot" {
  description = "Whether a snapshot stays when it is deleted."
  type        = bool
}

variable "subnet_ids" {
  description = "Subnets of instance and proxy."
  type        = list(string)
}

variable "instance_security_group_ids" {
  description = "Security groups of the instance."
  type        = list(string)
}

variable "proxy_security_group_ids" {
  description = "Security groups of the proxy: one that functions may reach, one that may reach the instance."
  type        = list(string)
}

variable "user_secret_arn" {
  description = "Secret with the name and password of the user that functions are."
  type        = string
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts everything it keeps."
  type        = string
}

variable "log_retention_days" {
  description = "How many days logs are kept."
  type        = number
}

variable "alerts_topic_arn" {
  description = "Where alarms go."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that is the most a role made here can have. Null: none."
  type        = string
  default     = null
}
