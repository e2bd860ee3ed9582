variable "name" {
  description = "Start of the names of the repositories, and of the functions that may run their images."
  type        = string
}

variable "families" {
  description = "Families of functions: each has a repository, <name>-<family>."
  type        = set(string)
}

variable "accounts" {
  description = "Ids of the accounts whose functions run the images; the registry's own is always among them."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for account in var.accounts : can(regex("^\\d{12}$", account))])
    error_message = "An account's id has twelve digits."
  }
}

variable "environments" {
  description = "Environments that images are deployed to, the one whose images matter most first; * stands for any text."
  type        = list(string)
}

variable "kept_images" {
  description = "How many images are kept of those built."
  type        = number
  default     = 10

  validation {
    condition     = var.kept_images >= 3
    error_message = "Each function keeps its last three versions: keep three images or more."
  }
}

variable "kept_deployed" {
  description = "How many images are kept of those deployed to each environment."
  type        = number
  default     = 100
}

variable "deletion_protection" {
  description = "Whether repositories that hold images stay."
  type        = bool
  default     = true
}
