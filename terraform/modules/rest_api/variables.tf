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
  description = "Routes by \"METHOD /path\": the scope a token needs (null: no token), whether the answer may be cached, and the function that answers."
  type = map(object({
    method   = string
    path     = string
    scope    = string
    cached   = bool
    function = object({ name = string, alias = string, invoke_arn = string })
  }))

  validation {
    condition     = alltrue([for route in var.routes : contains(range(1, 5), length(split("/", route.path)) - 1)])
    error_message = "Paths have one to four parts. For deeper ones add a level to modules/rest_api/main.tf."
  }
}

variable "contract" {
  description = "What the gateway checks: models (JSON Schemas as text) by name, and for each route its body_model, required_parameters and optional_parameters."
  type = object({
    models = map(string)
    methods = map(object({
      body_model          = optional(string)
      required_parameters = optional(list(string), [])
      optional_parameters = optional(list(string), [])
    }))
  })
}

variable "authorizer" {
  description = "The function that turns a token into a policy, and how long its answer is kept."
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
  description = "Requests a second, and at once, of the stage."
  type        = object({ rate = number, burst = number })
}

variable "method_throttles" {
  description = "The same for single routes, by \"METHOD /path\"."
  type        = map(object({ rate = number, burst = number }))
  default     = {}
}

variable "escape_settings_paths" {
  description = "Whether the paths of method settings are escaped, as AWS wants them and the emulator does not."
  type        = bool
  default     = true
}

variable "cache" {
  description = "Response cache of the stage. Null: none."
  type        = object({ size_gb = string, ttl_seconds = number })
  default     = null
}

variable "usage_plan" {
  description = "Rate, burst and quota in each period (DAY, WEEK or MONTH) of one API key."
  type        = object({ rate = number, burst = number, quota = number, period = string })
}

variable "api_keys" {
  description = "Names of API keys to make."
  type        = set(string)
  default     = []
}

variable "api_key_required" {
  description = "Whether calls need an API key beside the token."
  type        = bool
  default     = false
}

variable "minimum_compression_bytes" {
  description = "Size from which answers are compressed. Null: never."
  type        = number
  default     = 1024
}

variable "log_retention_days" {
  description = "How many days access logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts access logs."
  type        = string
}
