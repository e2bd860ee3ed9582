# What the clock calls: EventBridge Scheduler, for the catalogue's `schedule`. It hands the call to
# Lambda, which tries a function that fails twice more; the retries here are for a call that Lambda
# does not take.

locals {
  schedules = { for key, consumer in local.consumers : key => consumer if consumer.kind == "schedule" }

  # Scheduler knows its words by their brackets, which jsonencode writes as code points.
  schedule_inputs = {
    for key, schedule in local.schedules : key => replace(replace(
      jsonencode({ schedule = schedule.source, scheduled_time = "<aws.scheduler.scheduled-time>", input = try(schedule.input, {}) }),
      "\\u003c", "<"), "\\u003e", ">",
    )
  }
}

resource "aws_scheduler_schedule_group" "this" {
  name = local.name
}

resource "aws_scheduler_schedule" "this" {
  for_each = local.schedules

  # It tries the role when the schedule is made.
  depends_on = [aws_iam_role_policy.scheduler]

  name        = replace(each.value.source, "_", "-")
  description = local.functions[each.value.function].description
  group_name  = aws_scheduler_schedule_group.this.name
  kms_key_arn = aws_kms_key.data.arn
  state       = "ENABLED"

  schedule_expression          = each.value.expression
  schedule_expression_timezone = each.value.time_zone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.function[each.value.function].alias.arn
    role_arn = aws_iam_role.scheduler[0].arn
    input    = local.schedule_inputs[each.key]

    retry_policy {
      maximum_retry_attempts       = each.value.retries
      maximum_event_age_in_seconds = each.value.maximum_age
    }

    dead_letter_config {
      arn = module.function[each.value.function].dead_letters.arn
    }
  }
}

resource "aws_iam_role" "scheduler" {
  count = length(local.schedules) > 0 ? 1 : 0

  name                 = "${local.name}-scheduler"
  permissions_boundary = local.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account_id
          "aws:SourceArn"     = "arn:aws:scheduler:${local.region}:${local.account_id}:schedule-group/${local.name}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  count = length(local.schedules) > 0 ? 1 : 0

  name = "access"
  role = aws_iam_role.scheduler[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = distinct([for schedule in local.schedules : module.function[schedule.function].alias.arn])
      },
      {
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = distinct([for schedule in local.schedules : module.function[schedule.function].dead_letters.arn])
      },
      {
        # Its own data and the dead letters.
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [aws_kms_key.data.arn]
      },
    ]
  })
}
