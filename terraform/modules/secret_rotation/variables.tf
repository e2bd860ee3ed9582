variable "name" {
  description = "Start of the alarm's name."
  type        = string
}

variable "secret_arns" {
  description = "The secrets to rotate: ARNs by logical name."
  type        = map(string)
}

variable "function" {
  description = "The function that knows how: its name, and the name and ARN of the alias to call."
  type        = object({ name = string, alias = string, alias_arn = string })
}

variable "days" {
  description = "After how many days a secret is rotated."
  type        = number
}

variable "account_id" {
  description = "The account on whose behalf alone Secrets Manager may call the function."
  type        = string
}

variable "alerts_topic_arn" {
  description = "Where the alarm goes."
  type        = string
}
