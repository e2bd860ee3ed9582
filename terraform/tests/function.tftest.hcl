# What the function module makes of what no function of the catalogue asks for yet, and what it refuses.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name                    = "itemstream-test-reader"
  description             = "Reads a stream."
  handler                 = "functions.reader.handler"
  code                    = { package_type = "Image", image_uri = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/reader@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
  architecture            = "arm64"
  memory                  = 256
  timeout                 = 30
  environment             = {}
  reserved_concurrency    = 10
  network                 = null
  provisioned_concurrency = { minimum = 0, maximum = 0, autoscaled = true }
  access                  = [{ service = "dynamodb", actions = ["PutItem"], resources = ["arn:aws:dynamodb:eu-central-1:111122223333:table/items"] }]
  kms_key_arn             = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days      = 7
  alerts_topic_arn        = "arn:aws:sns:eu-central-1:111122223333:alerts"
}

run "stream" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    consumes = ["stream"]
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["iterator_age"].metric_name == "IteratorAge" &&
      aws_cloudwatch_metric_alarm.this["iterator_age"].alarm_actions == toset([var.alerts_topic_arn])
    )
    error_message = "A function that reads a stream must have an alarm on its lag."
  }

  assert {
    condition     = output.guarantees.environment.DEAD_LETTERS_QUEUE == "itemstream-test-reader-dead-letters"
    error_message = "A function that nobody waits for must know where its dead letters go."
  }
}

run "alarms" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["duration"].threshold == 24000 &&
      aws_cloudwatch_metric_alarm.this["duration"].extended_statistic == "p99" &&
      aws_cloudwatch_metric_alarm.this["concurrency"].threshold == 8 &&
      aws_cloudwatch_metric_alarm.this["dead_letters"].dimensions.QueueName == "itemstream-test-reader-dead-letters" &&
      { for query in aws_cloudwatch_metric_alarm.this["errors"].metric_query : query.id => try(query.metric[0].metric_name, query.expression) } == {
        rate        = "IF(invocations > 0, 100 * errors / invocations, 0)"
        errors      = "Errors"
        invocations = "Invocations"
      }
    )
    error_message = "Alarms must follow the function's own time-out, concurrency, queue and error rate."
  }
}

# One invocation at a time is what such a function is for.
run "alone" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    reserved_concurrency = 1
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["concurrency"].threshold == 1 && aws_cloudwatch_metric_alarm.this["concurrency"].comparison_operator == "GreaterThanThreshold"
    error_message = "A function that runs once at a time must not raise an alarm by running."
  }
}

run "least_privilege" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(output.policy).Statement : statement.Action])) == toset([
      "dynamodb:PutItem", "sqs:GetQueueUrl", "sqs:SendMessage", "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
      "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
    ])
    error_message = "A role must allow what the function's access names, its log, traces and dead letters, and the key for those; nothing else."
  }

  assert {
    condition = toset([
      for statement in jsondecode(output.policy).Statement : statement.Condition.StringEquals["kms:ViaService"] if startswith(statement.Action[0], "kms:")
    ]) == toset(["dynamodb.eu-central-1.amazonaws.com", "sqs.eu-central-1.amazonaws.com"])
    error_message = "The key may be used through the services of the function's access only."
  }
}

run "archive_without_hash" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    code = { package_type = "Zip", bucket = "artifacts", key = "reader.zip" }
  }

  expect_failures = [var.code]
}
