# tflint (github.com/terraform-linters/tflint): `make lint` runs it where it is installed.
plugin "terraform" {
  enabled = true
  preset  = "recommended"
}

# Versions are said once, in the root's versions.tf; modules are used by that root only.
rule "terraform_required_version" {
  enabled = false
}

rule "terraform_required_providers" {
  enabled = false
}
