# Region, credentials and endpoint come from the environment, as in the main root.
provider "aws" {
  s3_use_path_style           = var.emulated
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  skip_region_validation      = var.emulated

  default_tags {
    tags = {
      Project   = "itemstream"
      ManagedBy = "terraform"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}
