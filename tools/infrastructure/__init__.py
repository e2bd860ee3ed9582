"""Terraform, driven: the local environment applied, the others planned."""
