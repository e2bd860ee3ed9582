# Queues between the event bus and the functions that read it.

locals {
  queues = {
    # Ten attempts with growing pauses outlast an outage of some ten minutes.
    notifications = { max_receive_count = 10 }
  }

  queue_consumers = { for consumer in local.consumers : consumer.source => consumer if consumer.kind == "queue" }

  # Six times the time-out, as AWS advises, and the time a batch is gathered: nobody gets a message
  # again while the function may still be at it.
  visibility = {
    for queue in keys(local.queues) : queue =>
    6 * local.functions[local.queue_consumers[queue].function].timeout + local.queue_consumers[queue].window
  }
}

module "queue" {
  source   = "./modules/queue"
  for_each = local.queues

  name                       = "${local.name}-${replace(each.key, "_", "-")}"
  max_receive_count          = each.value.max_receive_count
  visibility_timeout_seconds = local.visibility[each.key]
  senders = [{
    sid         = "RulesOfTheBus"
    service     = "events.amazonaws.com"
    source_arns = [for rule, settings in local.event_rules : local.rule_arns[rule] if settings.queue == each.key]
  }]
  kms_key_arn      = aws_kms_key.data.arn
  alerts_topic_arn = aws_sns_topic.alerts.arn
  require_tls      = !var.emulated
}
