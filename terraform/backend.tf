# Bucket, key and region come from `-backend-config`, so that one root serves every environment.
terraform {
  backend "s3" {}
}
