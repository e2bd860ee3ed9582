variable "name" {
  description = "Name of the table."
  type        = string
}

variable "kms_key_arn" {
  description = "Customer-managed key that encrypts the table, its indexes and its stream."
  type        = string
}

variable "hash_key" {
  description = "Partition key, a string."
  type        = string
  default     = "pk"
}

variable "range_key" {
  description = "Sort key, a string. Null: none."
  type        = string
  default     = null
}

variable "indexes" {
  description = "Global secondary indexes by name: their keys (strings). They hold keys only."
  type        = map(object({ hash_key = string, range_key = string }))
  default     = {}
}

variable "ttl_attribute" {
  description = "Attribute with the epoch second after which DynamoDB may delete the item. Null: items stay."
  type        = string
  default     = null
}

variable "stream" {
  description = "Whether changes are streamed, with both images."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  default     = true
}
