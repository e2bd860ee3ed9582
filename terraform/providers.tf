# The endpoint and the credentials come from the environment (AWS_ENDPOINT_URL, AWS_PROFILE …).
provider "aws" {
  region                      = var.region
  s3_use_path_style           = var.emulated
  skip_credentials_validation = var.emulated
  skip_metadata_api_check     = var.emulated
  skip_region_validation      = var.emulated

  default_tags {
    tags = {
      Project     = "itemstream"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}

data "aws_caller_identity" "current" {}
