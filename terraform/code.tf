# What the functions run: images by digest, or archives with the shared layer, which are put into
# the artifacts bucket under their hash only where some function is a Zip.

locals {
  zip_families = toset([for function in local.functions : function.family if function.package_type == "Zip"])
  uses_layer   = length(local.zip_families) > 0

  archives = merge(
    { for family in local.zip_families : family => local.artifacts.families[family] },
    local.uses_layer ? { layer = local.artifacts.layer } : {},
  )

  code = {
    for logical, function in local.functions : logical => {
      package_type = function.package_type
      image_uri    = function.package_type == "Image" ? local.artifacts.families[function.family].image_uri : null
      bucket       = function.package_type == "Zip" ? aws_s3_object.archive[function.family].bucket : null
      key          = function.package_type == "Zip" ? aws_s3_object.archive[function.family].key : null
      sha256       = function.package_type == "Zip" ? local.artifacts.families[function.family].archive_sha256 : null
      layers       = function.package_type == "Zip" ? aws_lambda_layer_version.shared[*].arn : []
    }
  }
}

resource "aws_s3_object" "archive" {
  for_each = local.archives

  bucket = module.bucket["artifacts"].name
  # The hash as a file name: base64 has characters that keys should not have.
  key         = "${each.key}/${sha256(each.value.archive_sha256)}.zip"
  source      = "${local.artifacts_path}/${each.value.archive}"
  source_hash = each.value.archive_sha256

  # The emulator forgets the tags of what is uploaded in parts; the bucket has them.
  override_provider {
    default_tags {
      tags = {}
    }
  }
}

resource "aws_lambda_layer_version" "shared" {
  count = local.uses_layer ? 1 : 0

  layer_name               = "${local.name}-shared"
  description              = "The shared package and the locked dependencies."
  s3_bucket                = aws_s3_object.archive["layer"].bucket
  s3_key                   = aws_s3_object.archive["layer"].key
  source_code_hash         = local.artifacts.layer.archive_sha256
  compatible_runtimes      = [local.artifacts.runtime]
  compatible_architectures = [local.artifacts.architecture]
}
