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

variable "own_domain_only" {
  description = "Whether clients must come by a domain name of one's own: API Gateway's address is closed."
  type        = bool
  default     = false
}

variable "routes" {
  description = "Routes by \"METHOD /path\": the scope a token needs (null: no token), and the function that answers."
  type = map(object({
    method   = string
    path     = string
    scope    = string
    function = object({ name = string, alias = string, invoke_arn = string })
  }))
}

variable "authorizer" {
  description = "The function that says whether a token is good, and how long its answer is kept."
  type        = object({ name = string, alias = string, invoke_arn = string, ttl_seconds = number })
}

variable "cors" {
  description = "What browsers may do: the origin (\"*\" or one; tokens are no cookies), headers sent and shown, and how long a preflight holds."
  type = object({
    origin          = string
    allowed_headers = list(string)
    exposed_headers = list(string)
    max_age_seconds = number
  })
}

variable "throttle" {
  description = "Requests a second, and at once, of every route."
  type        = object({ rate = number, burst = number })
}

variable "route_throttles" {
  description = "The same for single routes, by \"METHOD /path\"."
  type        = map(object({ rate = number, burst = number }))
  default     = {}
}

variable "alarm_latency_ms" {
  description = "Milliseconds from which on a call in a hundred is too slow."
  type        = number
  default     = 3000
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
