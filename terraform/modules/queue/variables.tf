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

variable "senders" {
  description = "AWS services that may send, each for named sources only: rules, topics or buckets."
  type        = list(object({ sid = string, service = string, source_arns = list(string) }))
  default     = []
}

variable "watched" {
  description = "Whether the queue has alarms of its own; otherwise whoever makes it watches it."
  type        = bool
  default     = true
}

variable "alerts_topic_arn" {
  description = "SNS topic that the alarms notify, where the queue is watched."
  type        = string
  default     = null

  validation {
    condition     = !var.watched || var.alerts_topic_arn != null
    error_message = "Alarms need somebody to notify: set alerts_topic_arn, or watched to false."
  }
}

variable "alarm_at" {
  description = "From where on the alarms go off: age of the oldest message, and messages that wait."
  type        = object({ age_seconds = number, depth = number })
  default     = { age_seconds = 900, depth = 10000 }
}
