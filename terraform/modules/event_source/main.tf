# What reads a stream or a queue for a function. A batch that fails in part is tried again from
# what failed; nothing is tried for ever; and what fails for good is kept with its address.

locals {
  is_stream = var.kind == "stream"

  # Reads as https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html has it.
  pattern = local.is_stream ? jsonencode(merge(
    { eventName = var.filter.events },
    length(var.filter.matching) == 0 ? {} : {
      dynamodb = { NewImage = { for attribute, value in var.filter.matching : attribute => { S = [value] } } }
    },
  )) : null
}

resource "aws_lambda_event_source_mapping" "this" {
  function_name    = var.function_arn
  event_source_arn = var.source_arn

  batch_size                         = var.batch
  maximum_batching_window_in_seconds = var.window
  function_response_types            = ["ReportBatchItemFailures"]

  # Whatever was written before the mapping was there counts too.
  starting_position              = local.is_stream ? "TRIM_HORIZON" : null
  parallelization_factor         = local.is_stream ? var.parallelization : null
  maximum_retry_attempts         = local.is_stream ? var.retries : null
  maximum_record_age_in_seconds  = local.is_stream ? var.maximum_age : null
  bisect_batch_on_function_error = local.is_stream ? true : null

  dynamic "filter_criteria" {
    for_each = local.pattern[*]
    content {
      filter {
        pattern = filter_criteria.value
      }
    }
  }

  # A queue has its own.
  dynamic "destination_config" {
    for_each = local.is_stream ? [var.dead_letters_arn] : []
    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }

  dynamic "scaling_config" {
    for_each = local.is_stream ? [] : [var.concurrency]
    content {
      maximum_concurrency = scaling_config.value
    }
  }
}
