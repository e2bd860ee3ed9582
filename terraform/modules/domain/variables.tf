variable "name" {
  description = "Domain name, such as api.example.com."
  type        = string
}

variable "api" {
  description = "Id and stage of the API that answers under it, and the scheme of its URL: https or wss."
  type        = object({ id = string, stage = string, scheme = string })
}

variable "zone_id" {
  description = "Zone of Route 53 in which the name is made. Null: it is made elsewhere, as an alias of `target`."
  type        = string
  default     = null
}

variable "certificate_arn" {
  description = "Certificate for the name, in this region. Null: one is made and validated in the zone."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn != null || var.zone_id != null
    error_message = "A certificate is made where there is a zone to validate it in: name one of the two."
  }
}

variable "truststore" {
  description = "Certificate authorities whose clients alone may connect (mutual TLS): URI of a PEM file in S3, and its version. Null: anybody's."
  type        = object({ uri = string, version = optional(string) })
  default     = null

  validation {
    condition     = var.truststore == null || var.api.scheme != "wss"
    error_message = "API Gateway has no mutual TLS for WebSocket APIs: leave `truststore` out."
  }
}
