variable "repository" {
  description = "Repository on GitHub whose workflows deploy here, as organisation/name."
  type        = string

  validation {
    condition     = can(regex("^[\\w.-]+/[\\w.-]+$", var.repository))
    error_message = "A repository is named as organisation/name."
  }
}

variable "environments" {
  description = "Environments of this account: the GitHub environments whose workflows deploy it, whether numbered copies of it (previews) are deployed by the same role, and whether that role may delete what it keeps."
  type = map(object({
    github_environments = list(string)
    copies              = optional(bool, false)
    may_destroy         = optional(bool, false)
  }))

  validation {
    condition = alltrue(flatten([
      for name, environment in var.environments : [for other in keys(var.environments) : other == name || !startswith(other, name)] if environment.copies
    ]))
    error_message = "No name may begin with that of an environment that has copies: its role would deploy both."
  }
}

variable "families" {
  description = "Families of functions: each has a repository of images."
  type        = set(string)
}

variable "registry_accounts" {
  description = "Other accounts whose functions run the images of this one."
  type        = set(string)
  default     = []
}

variable "makes_identity_provider" {
  description = "Whether to make GitHub's OIDC provider: an account has one at the most, and others may have made it."
  type        = bool
  default     = true
}

variable "sets_gateway_account" {
  description = "Whether to set the role with which API Gateway writes logs: an account has one at the most, and others may have set it."
  type        = bool
  default     = true
}

variable "emulated" {
  description = "Whether AWS is emulated on this machine: without TLS or bucket lifecycles."
  type        = bool
  default     = false
}
