# A Lambda function with everything that belongs to one: its code, a published version behind the
# alias `live`, warm capacity, and an end to asynchronous retries.

resource "aws_lambda_function" "this" {
  # Lambda would make the log group itself, without a key or an end; and it checks the role.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]

  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  architectures = [var.architecture]
  memory_size   = var.memory
  timeout       = var.timeout
  kms_key_arn   = var.kms_key_arn
  publish       = true

  reserved_concurrent_executions = var.reserved_concurrency

  package_type     = var.code.package_type
  image_uri        = var.code.image_uri
  s3_bucket        = var.code.bucket
  s3_key           = var.code.key
  source_code_hash = var.code.sha256
  layers           = var.code.layers
  handler          = local.is_image ? null : var.handler
  runtime          = local.is_image ? null : var.runtime

  dynamic "image_config" {
    for_each = local.is_image ? [var.handler] : []
    content {
      command = [image_config.value]
    }
  }

  environment {
    variables = merge(length(var.consumes) > 0 ? { DEAD_LETTERS_QUEUE = local.dead_letters_name } : {}, var.environment)
  }

  tracing_config {
    mode = "Active"
  }

  dynamic "vpc_config" {
    for_each = var.network[*]
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }
}

locals {
  is_image          = var.code.package_type == "Image"
  dead_letters_name = "${var.name}-dead-letters"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

module "dead_letters" {
  source = "../queue"

  name        = local.dead_letters_name
  watched     = false # by the function's own alarms
  kms_key_arn = var.kms_key_arn
  require_tls = var.require_tls
}

# A destination rather than a dead_letter_config: it also says why the event failed, and both
# together would store each dead letter twice.
resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = local.live.function_name
  qualifier                    = local.live.name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = module.dead_letters.arn
    }
  }
}
