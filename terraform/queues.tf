# Queues of work that functions and the event bus give to functions.

locals {
  queues = {
    # Ten attempts with growing pauses outlast an outage of some ten minutes.
    notifications      = { max_receive_count = 10 }
    replays            = { max_receive_count = 60 } # longer than any connection lasts: nobody stays behind in silence
    topic_deliveries   = { max_receive_count = 10 }
    connection_endings = { max_receive_count = 10, old_seconds = 1800 } # a message may be meant for 15 minutes later
    report_events      = { max_receive_count = 1000 }                   # MySQL may be away for two days, and nothing is given up
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
  # Functions send by their roles.
  senders = [
    for rules in [[for rule, settings in local.event_rules : local.rule_arns[rule] if settings.queue == each.key]] : {
      sid         = "RulesOfTheBus"
      service     = "events.amazonaws.com"
      source_arns = rules
    } if length(rules) > 0
  ]
  alarm_at         = { age_seconds = try(each.value.old_seconds, 900), depth = 10000 }
  kms_key_arn      = aws_kms_key.data.arn
  alerts_topic_arn = aws_sns_topic.alerts.arn
  require_tls      = !var.emulated
}
