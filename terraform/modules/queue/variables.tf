variable "name" {
  description = "Name of the queue; its dead-letter queue is called <name>-dead-letters."
  type        = string
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the messages."
  type        = string
}

variable "max_receive_count" {
  description = "How often a message is received before it goes to the dead-letter queue. Null: no dead-letter queue, for a queue that is itself the end of the line."
  type        = number
  default     = null
}

variable "retention_seconds" {
  description = "How long a message is kept."
  type        = number
  default     = 1209600
}

variable "visibility_timeout_seconds" {
  description = "How long a received message is hidden: at least six times the time-out of the function that reads it."
  type        = number
  default     = 30
}

variable "require_tls" {
  description = "Whether requests without TLS are refused."
  type        = bool
  default     = true
}
