# What the event source module refuses: whatever would be tried for ever, or fail without an address.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  kind             = "stream"
  source_arn       = "arn:aws:dynamodb:eu-central-1:111122223333:table/items/stream/2026-01-01T00:00:00.000"
  function_arn     = "arn:aws:lambda:eu-central-1:111122223333:function:reader:live"
  dead_letters_arn = "arn:aws:sqs:eu-central-1:111122223333:reader-dead-letters"
  batch            = 100
  filter           = { events = ["INSERT"], matching = { kind = "event" } }
}

run "stream" {
  command = plan

  module {
    source = "./modules/event_source"
  }

  assert {
    condition = (
      output.guarantees.retries == 10 && output.guarantees.maximum_age == 43200 && output.guarantees.bisects &&
      output.guarantees.failure_destination == var.dead_letters_arn && output.guarantees.maximum_concurrency == null
    )
    error_message = "A stream must end its retries, with an address, whatever is left unsaid."
  }

  assert {
    condition     = output.guarantees.pattern == { eventName = ["INSERT"], dynamodb = { NewImage = { kind = { S = ["event"] } } } }
    error_message = "A stream must be filtered as Lambda's filter syntax has it."
  }
}

run "queue" {
  command = plan

  module {
    source = "./modules/event_source"
  }

  variables {
    kind             = "queue"
    source_arn       = "arn:aws:sqs:eu-central-1:111122223333:notifications"
    dead_letters_arn = null
    filter           = null
    concurrency      = 5
  }

  assert {
    condition = (
      output.guarantees.maximum_concurrency == 5 && output.guarantees.failure_destination == null &&
      output.guarantees.starting_position == null && output.guarantees.response_types == toset(["ReportBatchItemFailures"])
    )
    error_message = "A queue must be read without what is a stream's, and with partial batch responses."
  }
}

run "retries_for_ever" {
  command = plan

  module {
    source = "./modules/event_source"
  }

  variables {
    retries     = -1
    maximum_age = -1
  }

  expect_failures = [var.retries, var.maximum_age]
}

run "no_address" {
  command = plan

  module {
    source = "./modules/event_source"
  }

  variables {
    dead_letters_arn = null
    filter           = null
  }

  expect_failures = [var.dead_letters_arn, var.filter]
}

run "unknown_kind" {
  command = plan

  module {
    source = "./modules/event_source"
  }

  variables {
    kind = "topic"
  }

  expect_failures = [var.kind]
}
