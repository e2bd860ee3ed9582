variable "kind" {
  description = "What is read: stream (of a DynamoDB table) or queue (of SQS)."
  type        = string

  validation {
    condition     = contains(["stream", "queue"], var.kind)
    error_message = "An event source is a stream or a queue."
  }
}

variable "source_arn" {
  description = "ARN of the stream or the queue."
  type        = string
}

variable "function_arn" {
  description = "ARN of the function's alias."
  type        = string
}

variable "dead_letters_arn" {
  description = "Queue that is told of stream records that failed for good. Null for a queue, which has its own."
  type        = string
  default     = null

  validation {
    condition     = var.kind != "stream" || var.dead_letters_arn != null
    error_message = "What fails in a stream needs an address: set dead_letters_arn."
  }
}

variable "batch" {
  description = "The most records in one invocation."
  type        = number
}

variable "window" {
  description = "Seconds that a batch is gathered."
  type        = number
  default     = 0
}

variable "filter" {
  description = "Which changes of a stream count: kinds of change, and strings that attributes of the new image must equal."
  type        = object({ events = list(string), matching = optional(map(string), {}) })
  default     = null

  validation {
    condition     = var.kind != "stream" || var.filter != null
    error_message = "Name the changes of a stream that the function reads."
  }
}

variable "parallelization" {
  description = "Batches of a stream's shard that are worked on at once; the order within a partition key stays."
  type        = number
  default     = 1
}

variable "retries" {
  description = "How often a batch of a stream is tried again."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.retries >= 0
    error_message = "-1 would be for ever."
  }
}

variable "maximum_age" {
  description = "Age in seconds from which a stream's record is tried no more."
  type        = number
  default     = 43200
  nullable    = false

  validation {
    condition     = var.maximum_age >= 60
    error_message = "-1 would be for ever, and AWS takes no less than 60."
  }
}

variable "concurrency" {
  description = "Batches of a queue that are worked on at once."
  type        = number
  default     = 2
}
