# Every place where something lies that failed for good, and whose it is.

locals {
  dead_letters = merge(
    {
      for logical, function in module.function : logical => merge(function.dead_letters, { kind = "function", function = logical, queue = null })
    },
    {
      for logical, queue in module.queue : logical => merge(queue.dead_letters, { kind = "queue", function = local.queue_consumers[logical].function, queue = logical })
    },
    {
      for rule, queue in module.rule_dead_letters : "${rule}_rule" => {
        arn = queue.arn, name = queue.name, url = queue.url, kind = "rule", function = null, queue = local.event_rules[rule].queue
      }
    },
  )
}

# Who redrove or discarded what, written by `itemstream dlq`.
resource "aws_cloudwatch_log_group" "audit" {
  name              = "/itemstream/${var.environment}/audit"
  retention_in_days = 400
  kms_key_id        = aws_kms_key.data.arn
}
