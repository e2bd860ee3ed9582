# What calls functions without a caller who waits: the catalogue's `consumes`. The modules see to
# it that every one of them has an end to its retries and an address for what fails.

locals {
  consumer_kinds = ["stream", "queue", "bucket", "schedule"]

  consumers = merge([
    for logical, function in local.functions : {
      for consumed in function.consumes : one([
        for kind in local.consumer_kinds : "${logical}/${consumed[kind]}" if can(consumed[kind])
        ]) => merge([
        for kind in local.consumer_kinds : merge(
          local.catalogue.defaults.consumes[kind], consumed, { kind = kind, source = consumed[kind], function = logical },
        ) if can(consumed[kind])
      ]...)
    }
  ]...)

  # Functions that read streams, each with the lag from which it is late. Lambda measures one for all
  # streams of a function.
  stream_old_seconds = {
    for logical in distinct([for consumer in local.consumers : consumer.function if consumer.kind == "stream"]) : logical => max([
      for consumer in local.consumers : consumer.old_seconds if consumer.kind == "stream" && consumer.function == logical
    ]...)
  }

  # At once, of each source: Lambda's least for a queue is two batches. What is throttled there has
  # been received, and soon is a dead letter.
  least_concurrency = {
    for logical, function in local.functions : logical => sum(concat([0], [for consumed in function.consumes : can(consumed.queue) ? 2 : 1]))
  }

  reserved_concurrency = {
    for logical, function in local.functions : logical => max(
      ceil(function.concurrency.reserved * var.concurrency_scale.reserved),
      min(function.concurrency.reserved, local.least_concurrency[logical]),
    )
  }

  event_sources = {
    for key, consumer in local.consumers : key => merge(consumer, {
      arn = consumer.kind == "stream" ? module.table[consumer.source].stream_arn : module.queue[consumer.source].arn
      # More at once than the function may run would only be throttled; each of its other sources
      # is left one.
      parallelization = min(
        try(consumer.parallelization, 1),
        max(1, local.reserved_concurrency[consumer.function] - length(local.functions[consumer.function].consumes) + 1),
      )
      concurrency = max(2, min(try(consumer.concurrency, 2), local.reserved_concurrency[consumer.function]))
    }) if contains(["stream", "queue"], consumer.kind)
  }

  bucket_consumers = { for key, consumer in local.consumers : key => consumer if consumer.kind == "bucket" }
  consumed_buckets = toset([for consumer in local.bucket_consumers : consumer.source])
}

module "event_source" {
  source   = "./modules/event_source"
  for_each = local.event_sources

  kind             = each.value.kind
  source_arn       = each.value.arn
  function_arn     = module.function[each.value.function].alias.arn
  dead_letters_arn = each.value.kind == "stream" ? module.function[each.value.function].dead_letters.arn : null
  batch            = each.value.batch
  window           = each.value.window
  filter           = each.value.kind == "stream" ? { events = each.value.events, matching = try(each.value.matching, {}) } : null
  parallelization  = each.value.parallelization
  retries          = try(each.value.retries, null)
  maximum_age      = try(each.value.maximum_age, null)
  concurrency      = each.value.concurrency
}

# A bucket has one list of notifications, whoever is told.
resource "aws_s3_bucket_notification" "this" {
  for_each = local.consumed_buckets

  # S3 refuses to name a function that it may not call.
  depends_on = [aws_lambda_permission.bucket]

  bucket = module.bucket[each.key].name

  dynamic "lambda_function" {
    for_each = { for key, consumer in local.bucket_consumers : key => consumer if consumer.source == each.key }
    content {
      id                  = lambda_function.value.function
      lambda_function_arn = module.function[lambda_function.value.function].alias.arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = try(lambda_function.value.prefix, null)
    }
  }
}

# A bucket's name may pass to another account once it is deleted, hence the account beside the ARN.
resource "aws_lambda_permission" "bucket" {
  for_each = local.bucket_consumers

  statement_id   = "bucket-${replace(each.value.source, "_", "-")}"
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  function_name  = module.function[each.value.function].name
  qualifier      = module.function[each.value.function].alias.name
  source_arn     = module.bucket[each.value.source].arn
  source_account = local.account_id
}
