# What must hold for whatever calls a function without a caller who waits, over the whole plan and
# for each environment. All of it is computed from the catalogue: a consumer that is added there
# has to keep it too.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

# Each stream by an ARN of its own, so that one taken for another is seen.
override_resource {
  target          = module.table["items"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/items", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/items/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["events"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/events", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/events/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["image_uploads"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/image_uploads", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/image_uploads/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["bronze_call"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/bronze_call", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/bronze_call/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["silver_call"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/silver_call", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/silver_call/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["reports"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/reports", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/reports/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["health"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/health", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/health/stream/2026-01-01T00:00:00.000" }
}

override_resource {
  target          = module.table["cleanup"].aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/cleanup", stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/cleanup/stream/2026-01-01T00:00:00.000" }
}

variables {
  artifacts_file = "tests/artifacts.json"
}

run "consumers" {
  command = plan

  # Every consumer of the catalogue

  assert {
    condition = toset(keys(module.event_source)) == toset(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) : "${logical}/${try(consumed.stream, consumed.queue)}" if can(consumed.stream) || can(consumed.queue)
      ]
    ]))
    error_message = "Every stream and queue that the catalogue names must be read by its function, and no other."
  }

  assert {
    condition = alltrue([
      for entry in values(local.catalogue.functions) :
      length([for consumed in try(entry.consumes, []) : consumed if can(consumed.queue)]) <= 1
    ])
    error_message = "A function must consume one queue at most: it knows one queue of dead letters."
  }

  assert {
    condition     = alltrue([for source in module.event_source : source.guarantees.response_types == toset(["ReportBatchItemFailures"])])
    error_message = "Every event source must take partial batch responses: else one bad record repeats its neighbours."
  }

  assert {
    condition     = length(distinct([for table in module.table : table.stream_arn if table.stream_arn != null])) == length([for table in module.table : table if table.stream_arn != null])
    error_message = "Give the new table with a stream an ARN of its own at the head of this file."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        contains(keys(module.function[logical].guarantees.environment), "DEAD_LETTERS_QUEUE") &&
        module.function[logical].guarantees.environment.DEAD_LETTERS_QUEUE == (
          # What it gives up itself is kept with its queue, if it has one, whatever else it consumes.
          one(concat([for other in entry.consumes : module.queue[other.queue].dead_letters.name if can(other.queue)], [for own in [module.function[logical].dead_letters.name] : own if length([for other in entry.consumes : other if can(other.queue)]) == 0]))
        )
      ]
    ]))
    error_message = "Every consumer must know the queue of its dead letters."
  }

  # Streams

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        module.event_source["${logical}/${consumed.stream}"].guarantees.source_arn == module.table[consumed.stream].stream_arn &&
        module.event_source["${logical}/${consumed.stream}"].guarantees.function_arn == "arn:aws:lambda:eu-central-1:111122223333:function:${module.function[logical].name}:live"
        if can(consumed.stream)
      ]
    ]))
    error_message = "Every stream must call the alias of its function."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) : alltrue([
          for given in [module.event_source["${logical}/${consumed.stream}"].guarantees] :
          coalesce(given.retries, -1) >= 1 && coalesce(given.retries, -1) <= 10000 &&
          coalesce(given.maximum_age, -1) >= 60 && coalesce(given.maximum_age, -1) <= (
            # Silver has all calls: there is nothing to repair with what the stream still holds.
            "${logical}/${consumed.stream}" == "report_projector/silver_call" ? 86400 : 43200
          )
        ]) if can(consumed.stream)
      ]
    ]))
    error_message = "Every stream must try again, and end it: after at most 10,000 retries, and half a day before the stream forgets the record."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        coalesce(module.event_source["${logical}/${consumed.stream}"].guarantees.bisects, false) if can(consumed.stream)
      ]
    ]))
    error_message = "Every stream must bisect a batch that fails, so that a bad record is found."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        coalesce(module.event_source["${logical}/${consumed.stream}"].guarantees.failure_destination, "none") == module.function[logical].dead_letters.arn
        if can(consumed.stream)
      ]
    ]))
    error_message = "What fails for good in a stream must be told to the function's dead letters."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        module.event_source["${logical}/${consumed.stream}"].guarantees.starting_position == "TRIM_HORIZON" &&
        toset(module.event_source["${logical}/${consumed.stream}"].guarantees.pattern.eventName) == toset(consumed.events) &&
        try({ for attribute, test in module.event_source["${logical}/${consumed.stream}"].guarantees.pattern.dynamodb.NewImage : attribute => one(test.S) }, {}) == try(consumed.matching, {})
        if can(consumed.stream)
      ]
    ]))
    error_message = "Every stream must be read from its beginning, and exactly for the changes that the catalogue names."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        module.event_source["${logical}/${consumed.stream}"].guarantees.parallelization >= 1 &&
        module.event_source["${logical}/${consumed.stream}"].guarantees.parallelization <= module.function[logical].guarantees.reserved_concurrency
        if can(consumed.stream)
      ]
    ]))
    error_message = "A stream must not call for more at once than its function may run."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) : length(setsubtract(
          ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
          flatten([
            for statement in jsondecode(module.function[logical].policy).Statement : statement.Action
            if contains(flatten([statement.Resource]), module.table[consumed.stream].stream_arn)
          ]),
        )) == 0 if can(consumed.stream)
      ]
    ]))
    error_message = "A function's role must allow Lambda to read its stream."
  }

  # Queues

  assert {
    condition = toset(keys(local.queues)) == toset(flatten([
      for entry in values(local.catalogue.functions) : [for consumed in try(entry.consumes, []) : consumed.queue if can(consumed.queue)]
    ]))
    error_message = "Every queue must have a reader, and every reader a queue."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        module.event_source["${logical}/${consumed.queue}"].guarantees.source_arn == module.queue[consumed.queue].arn &&
        module.event_source["${logical}/${consumed.queue}"].guarantees.function_arn == "arn:aws:lambda:eu-central-1:111122223333:function:${module.function[logical].name}:live"
        if can(consumed.queue)
      ]
    ]))
    error_message = "Every queue must call the alias of its function."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        module.queue[consumed.queue].guarantees.visibility_timeout_seconds >= (
          6 * module.function[logical].guarantees.timeout + module.event_source["${logical}/${consumed.queue}"].guarantees.window
        ) if can(consumed.queue)
      ]
    ]))
    error_message = "Every queue must hide a message for six times its reader's time-out, and the time a batch is gathered."
  }

  assert {
    condition = alltrue([
      for logical, queue in module.queue :
      queue.guarantees.max_receive_count >= 2 && queue.guarantees.max_receive_count <= 1000 &&
      queue.guarantees.dead_letters_arn == queue.dead_letters.arn && queue.dead_letters.name == "${queue.name}-dead-letters"
    ])
    error_message = "Every queue must give up on a message after some receives, and keep it as a dead letter."
  }

  assert {
    condition = alltrue([
      for queue in module.queue :
      toset(keys(queue.guarantees.alarms)) == toset(["age", "depth", "dead_letters"]) &&
      queue.guarantees.alarms.age.queue == queue.name && queue.guarantees.alarms.depth.queue == queue.name &&
      queue.guarantees.alarms.dead_letters.queue == queue.dead_letters.name &&
      alltrue([for alarm in queue.guarantees.alarms : alarm.actions == toset([aws_sns_topic.alerts.arn])])
    ])
    error_message = "Every queue must raise alarms for its age, its depth and its dead letters."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        module.function[logical].guarantees.environment.MAX_RECEIVE_COUNT == tostring(module.queue[consumed.queue].guarantees.max_receive_count) &&
        module.event_source["${logical}/${consumed.queue}"].guarantees.maximum_concurrency >= 2 &&
        module.event_source["${logical}/${consumed.queue}"].guarantees.maximum_concurrency <= max(2, module.function[logical].guarantees.reserved_concurrency)
        if can(consumed.queue)
      ]
    ]))
    error_message = "A queue's reader must know which receive is the last, and not be called for more at once than it may run."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for queue in keys(try(entry.access.queues, {})) :
        module.function[logical].guarantees.environment["${upper(queue)}_QUEUE"] == module.queue[queue].name &&
        length(setsubtract(["sqs:GetQueueUrl", "sqs:SendMessage"], flatten([
          for statement in jsondecode(module.function[logical].policy).Statement : statement.Action
          if contains(flatten([statement.Resource]), module.queue[queue].arn)
        ]))) == 0
      ]
    ]))
    error_message = "A function that sends to a queue must know its name and be allowed to."
  }

  assert {
    condition = alltrue([
      for logical, queue in module.queue :
      (queue.policy == null) == !contains([for rule in values(local.event_rules) : rule.queue], logical)
    ])
    error_message = "Only a queue to which rules send may be open to the bus."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) : length(setsubtract(
          ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
          flatten([
            for statement in jsondecode(module.function[logical].policy).Statement : statement.Action
            if contains(flatten([statement.Resource]), module.queue[consumed.queue].arn)
          ]),
        )) == 0 if can(consumed.queue)
      ]
    ]))
    error_message = "A function's role must allow Lambda to read its queue."
  }

  assert {
    condition = var.network == null || alltrue([
      for logical, function in local.functions :
      length(function.consumes) == 0 || length(function.network) == 0 || contains(try(var.network.interface_endpoints, []), "sqs")
    ])
    error_message = "A consumer inside the VPC needs a way to its dead letters: the interface endpoint of SQS."
  }

  assert {
    condition = alltrue([
      for logical, function in local.functions :
      sum(concat([0], [
        for key, consumer in local.event_sources : module.event_source[key].guarantees.parallelization
        if consumer.function == logical && consumer.kind == "stream"
      ])) <= max(local.reserved_concurrency[logical], length(function.consumes))
    ])
    error_message = "A function's streams must not call it for more at once than it may run."
  }

  assert {
    condition = alltrue([
      for logical, function in local.functions :
      2 * length([for consumed in function.consumes : consumed if can(consumed.queue)]) <= module.function[logical].guarantees.reserved_concurrency
    ])
    error_message = "A function must be able to run the two batches that Lambda's least setting gives each of its queues, or messages are throttled into their dead letters."
  }

  # Buckets

  assert {
    condition = toset(keys(aws_lambda_permission.bucket)) == toset(flatten([
      for logical, entry in local.catalogue.functions : [for consumed in try(entry.consumes, []) : "${logical}/${consumed.bucket}" if can(consumed.bucket)]
    ]))
    error_message = "Every bucket that the catalogue names must be allowed to call its function, and no other."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) : alltrue([
          for permission in [aws_lambda_permission.bucket["${logical}/${consumed.bucket}"]] :
          permission.principal == "s3.amazonaws.com" && permission.source_account == "111122223333" &&
          permission.source_arn == "arn:aws:s3:::${module.bucket[consumed.bucket].name}" &&
          permission.function_name == module.function[logical].name && permission.qualifier == "live"
        ]) if can(consumed.bucket)
      ]
    ]))
    error_message = "A bucket may call a function only as itself, in this account, and by the alias."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) :
        aws_s3_bucket_notification.this[consumed.bucket].bucket == module.bucket[consumed.bucket].name &&
        contains([
          for target in aws_s3_bucket_notification.this[consumed.bucket].lambda_function : join(" ", concat([target.lambda_function_arn, target.filter_prefix], tolist(target.events)))
        ], "arn:aws:lambda:eu-central-1:111122223333:function:${module.function[logical].name}:live ${consumed.prefix} s3:ObjectCreated:*")
        if can(consumed.bucket)
      ]
    ]))
    error_message = "Every bucket must tell its function of new objects below the catalogue's prefix."
  }

  assert {
    condition = alltrue(flatten([
      for entry in values(local.catalogue.functions) : [
        for consumed in try(entry.consumes, []) : !contains(try(entry.access.buckets[consumed.bucket], []), "PutObject") if can(consumed.bucket)
      ]
    ]))
    error_message = "A function must not write to the bucket that calls it: it would call itself."
  }

  # Schedules

  assert {
    condition = toset(keys(aws_scheduler_schedule.this)) == toset(flatten([
      for logical, entry in local.catalogue.functions : [for consumed in try(entry.consumes, []) : "${logical}/${consumed.schedule}" if can(consumed.schedule)]
    ])) && length(distinct([for schedule in aws_scheduler_schedule.this : schedule.name])) == length(aws_scheduler_schedule.this)
    error_message = "Every schedule that the catalogue names must be there under a name of its own, and no other."
  }

  assert {
    condition = alltrue(flatten([
      for logical, entry in local.catalogue.functions : [
        for consumed in try(entry.consumes, []) : alltrue([
          for schedule in [aws_scheduler_schedule.this["${logical}/${consumed.schedule}"]] :
          schedule.schedule_expression == consumed.expression && schedule.schedule_expression_timezone == try(consumed.time_zone, "UTC") &&
          one(schedule.flexible_time_window).mode == "OFF" && schedule.state == "ENABLED" &&
          schedule.group_name == aws_scheduler_schedule_group.this.name && schedule.kms_key_arn == aws_kms_key.data.arn &&
          one(schedule.target).arn == "arn:aws:lambda:eu-central-1:111122223333:function:${module.function[logical].name}:live" &&
          strcontains(one(schedule.target).input, "\"scheduled_time\":\"<aws.scheduler.scheduled-time>\"") &&
          jsonencode(jsondecode(one(schedule.target).input).input) == jsonencode(try(consumed.input, {})) &&
          jsondecode(one(schedule.target).input).schedule == consumed.schedule
        ]) if can(consumed.schedule)
      ]
    ]))
    error_message = "Every schedule must call the alias of its function, when the catalogue says and with the input and the time that it is told."
  }

  assert {
    condition = alltrue([
      for key, schedule in aws_scheduler_schedule.this :
      one(one(schedule.target).retry_policy).maximum_retry_attempts >= 1 && one(one(schedule.target).retry_policy).maximum_retry_attempts <= 185 &&
      one(one(schedule.target).retry_policy).maximum_event_age_in_seconds >= 60 && one(one(schedule.target).retry_policy).maximum_event_age_in_seconds <= 86400 &&
      one(one(schedule.target).dead_letter_config).arn == module.function[split("/", key)[0]].dead_letters.arn
    ])
    error_message = "Every schedule must try again, end it, and leave what fails for good at its function's dead letters."
  }

  assert {
    condition = alltrue([
      for role in aws_iam_role.scheduler : [
        for statement in jsondecode(role.assume_role_policy).Statement : [statement.Principal, statement.Condition]
        ] == [[
          { Service = "scheduler.amazonaws.com" },
          { StringEquals = { "aws:SourceAccount" = "111122223333", "aws:SourceArn" = "arn:aws:scheduler:eu-central-1:111122223333:schedule-group/${aws_scheduler_schedule_group.this.name}" } },
      ]]
    ])
    error_message = "Only our group of schedules may take the scheduler's role."
  }

  assert {
    condition = length(aws_iam_role_policy.scheduler) == 0 ? length(aws_scheduler_schedule.this) == 0 : {
      for statement in jsondecode(one(aws_iam_role_policy.scheduler).policy).Statement : join(" ", sort(statement.Action)) => toset(statement.Resource)
      } == {
      "lambda:InvokeFunction"           = toset([for schedule in aws_scheduler_schedule.this : one(schedule.target).arn])
      "sqs:SendMessage"                 = toset([for schedule in aws_scheduler_schedule.this : one(one(schedule.target).dead_letter_config).arn])
      "kms:Decrypt kms:GenerateDataKey" = toset([aws_kms_key.data.arn])
    }
    error_message = "The scheduler's role must allow calls of the scheduled functions' aliases, their dead letters and the key; nothing else."
  }

  assert {
    condition = alltrue([
      for key, alarm in aws_cloudwatch_metric_alarm.cleanup :
      alarm.namespace == "Itemstream" && alarm.dimensions == tomap(merge({ service = "itemstream" }, key == "bronze_unfinished" ? { task = "bronze" } : { function = module.function["cleanup_job"].name })) &&
      alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && alarm.treat_missing_data == (key == "missing" ? "breaching" : "notBreaching")
    ]) && keys(aws_cloudwatch_metric_alarm.cleanup) == ["bronze_unfinished", "errors", "missing"]
    error_message = "A cleanup that fails, does not run or does not keep up must raise an alarm."
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.cleanup["bronze_unfinished"]] :
      alarm.metric_name == "CleanupUnfinished" && alarm.statistic == "Minimum" && alarm.threshold == 0 && alarm.period * alarm.evaluation_periods == 3 * 86400
    ])
    error_message = "An archive of bronze that three days of runs have not finished must raise an alarm."
  }

  # The event bus

  assert {
    condition = alltrue([
      for logical, rule in aws_cloudwatch_event_rule.this :
      rule.event_bus_name == aws_cloudwatch_event_bus.events.name && jsondecode(rule.event_pattern).source == ["itemstream"] &&
      aws_cloudwatch_event_target.this[logical].rule == rule.name && aws_cloudwatch_event_target.this[logical].event_bus_name == rule.event_bus_name
    ]) && keys(aws_cloudwatch_event_target.this) == keys(aws_cloudwatch_event_rule.this)
    error_message = "Every rule must be on our bus, hear our events and have a target."
  }

  assert {
    condition = alltrue([
      for logical, target in aws_cloudwatch_event_target.this :
      one(target.retry_policy).maximum_retry_attempts >= 1 && one(target.retry_policy).maximum_retry_attempts <= 185 &&
      one(target.retry_policy).maximum_event_age_in_seconds >= 3600 && one(target.retry_policy).maximum_event_age_in_seconds <= 86400
    ])
    error_message = "Every target must have a retry policy of its own."
  }

  assert {
    condition = alltrue([
      for logical, target in aws_cloudwatch_event_target.this :
      one(target.dead_letter_config).arn == module.rule_dead_letters[logical].arn &&
      [for statement in jsondecode(module.rule_dead_letters[logical].policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Effect == "Allow"] == [
        ["arn:aws:events:eu-central-1:111122223333:rule/${aws_cloudwatch_event_rule.this[logical].event_bus_name}/${aws_cloudwatch_event_rule.this[logical].name}"]
      ] &&
      module.rule_dead_letters[logical].guarantees.alarms == {
        dead_letters = { queue = module.rule_dead_letters[logical].name, actions = toset([aws_sns_topic.alerts.arn]) }
      }
    ]) && length(distinct([for target in aws_cloudwatch_event_target.this : one(target.dead_letter_config).arn])) == length(aws_cloudwatch_event_target.this)
    error_message = "Every target must have a dead-letter queue of its own, which only its rule fills and which raises an alarm."
  }

  assert {
    condition = alltrue([
      for logical, target in aws_cloudwatch_event_target.this : contains(flatten([
        for queue in module.queue : [
          for statement in jsondecode(queue.policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Effect == "Allow" && statement.Resource == target.arn
        ] if queue.policy != null
      ]), "arn:aws:events:eu-central-1:111122223333:rule/${target.event_bus_name}/${target.rule}")
    ])
    error_message = "Every rule must be allowed to send to its queue."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_kms_key.data.policy).Statement : jsonencode([sort(statement.Action), can(statement.Condition)])
      if try(statement.Principal.Service, "") == "events.amazonaws.com"
    ] == [jsonencode([["kms:Decrypt", "kms:GenerateDataKey"], false])]
    error_message = "The bus must be allowed to encrypt what its rules send to queues, without a condition that it cannot meet."
  }

  assert {
    condition = alltrue([
      for rule in aws_cloudwatch_event_rule.this : jsondecode(rule.event_pattern).detail.tenant == [{ anything-but = [var.canary_tenant] }]
    ])
    error_message = "No rule may take the canary's items anywhere: they come and go each minute."
  }

  assert {
    condition     = aws_cloudwatch_event_archive.events.retention_days == var.events.archive_days && aws_cloudwatch_event_archive.events.event_pattern == null
    error_message = "The archive must keep every event, for a time."
  }

  assert {
    condition     = aws_sns_topic.notifications.kms_master_key_id == aws_kms_key.data.arn
    error_message = "Notifications must be encrypted with our key."
  }

  assert {
    condition = toset([for letters in local.dead_letters : letters.name]) == toset(concat(
      [for function in module.function : function.dead_letters.name],
      [for queue in module.queue : queue.dead_letters.name],
      [for queue in module.rule_dead_letters : queue.name],
    ))
    error_message = "Every dead-letter queue must be among those that tools are told of."
  }
}
