# The event bus: what the event log says, for whoever wants to know. Rules take kinds of events to
# queues; the archive keeps all of them to be replayed.

locals {
  event_rules = {
    items   = { types = ["item."], queue = "notifications" }
    images  = { types = ["image."], queue = "notifications" }
    reports = { types = ["report."], queue = "notifications" }
    health  = { types = ["health."], queue = "notifications" }
    cleanup = { types = ["cleanup."], queue = "notifications" }
    # What reports are made of.
    projection = { types = ["item.", "image."], queue = "report_events" }
  }

  # By name: a queue's policy names the rules, and the rules' targets are the queues.
  rule_arns = {
    for rule in keys(local.event_rules) : rule =>
    "arn:aws:events:${local.region}:${local.account_id}:rule/${local.name}-events/${local.name}-${rule}"
  }
}

# Encrypted with a key of AWS's: an archive cannot be encrypted with ours by this provider, and
# events would lie there all the same.
resource "aws_cloudwatch_event_bus" "events" {
  name = "${local.name}-events"
}

resource "aws_cloudwatch_event_archive" "events" {
  name             = "${local.name}-events"
  description      = "Every event, to be replayed."
  event_source_arn = aws_cloudwatch_event_bus.events.arn
  retention_days   = var.events.archive_days
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.event_rules

  name           = "${local.name}-${each.key}"
  description    = "Events ${join(", ", [for types in each.value.types : "${types}*"])} to the queue ${each.value.queue}."
  event_bus_name = aws_cloudwatch_event_bus.events.name

  event_pattern = jsonencode({
    source      = ["itemstream"]
    detail-type = [for types in each.value.types : { prefix = types }]
    # The canary's items come and go each minute: nobody wants to hear of them.
    detail = { tenant = [{ anything-but = [var.canary_tenant] }] }
  })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.event_rules

  event_bus_name = aws_cloudwatch_event_bus.events.name
  rule           = aws_cloudwatch_event_rule.this[each.key].name
  target_id      = each.value.queue
  arn            = module.queue[each.value.queue].arn

  retry_policy {
    maximum_event_age_in_seconds = 21600
    maximum_retry_attempts       = 100
  }

  dead_letter_config {
    arn = module.rule_dead_letters[each.key].arn
  }
}

# What a rule could not deliver.
module "rule_dead_letters" {
  source   = "./modules/queue"
  for_each = local.event_rules

  name = "${local.name}-${each.key}-rule-dead-letters"
  senders = [{
    sid         = "ItsRule"
    service     = "events.amazonaws.com"
    source_arns = [local.rule_arns[each.key]]
  }]
  kms_key_arn      = aws_kms_key.data.arn
  alerts_topic_arn = aws_sns_topic.alerts.arn
  require_tls      = !var.emulated
}
