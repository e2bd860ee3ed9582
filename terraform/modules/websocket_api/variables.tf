variable "name" {
  description = "Name of the API."
  type        = string
}

variable "description" {
  description = "What the API is for, in a sentence."
  type        = string
}

variable "stage_name" {
  description = "Name of the stage, the first part of every path."
  type        = string
  default     = "v1"
}

variable "routes" {
  description = "Routes by their key: the function that is called, and whether what it returns is the client's answer."
  type = map(object({
    answers  = bool
    function = object({ name = string, alias = string, invoke_arn = string })
  }))

  validation {
    condition     = length(setsubtract(["$connect", "$disconnect", "$default"], keys(var.routes))) == 0
    error_message = "A WebSocket API needs the routes $connect, $disconnect and $default."
  }
}

variable "authorizer" {
  description = "The function that says who may connect."
  type        = object({ name = string, alias = string, invoke_arn = string })
}

variable "throttle" {
  description = "Handshakes and messages a second, and at once."
  type        = object({ rate = number, burst = number })
}

variable "alarm_latency_ms" {
  description = "Milliseconds from which on an answer in a hundred is too slow."
  type        = number
  default     = 3000
}

variable "metrics" {
  description = "Namespace and service under which functions count what they answer."
  type        = object({ namespace = string, service = string })
}

variable "log_retention_days" {
  description = "How many days access logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts access logs."
  type        = string
}

variable "alerts_topic_arn" {
  description = "SNS topic that the alarms notify."
  type        = string
}
