variable "name" {
  description = "What the alarms' names begin with."
  type        = string
}

variable "function_name" {
  description = "Name of the function that checks each minute."
  type        = string
}

variable "parts" {
  description = "Parts that are up or down."
  type        = set(string)
}

variable "lasting_checks" {
  description = "Checks in a row that a part has to be down."
  type        = number
}

variable "namespace" {
  description = "Namespace of the functions' own metrics."
  type        = string
}

variable "service" {
  description = "Service that the metrics are counted under."
  type        = string
}

variable "alerts_topic_arn" {
  description = "SNS topic that the alarms notify."
  type        = string
}
