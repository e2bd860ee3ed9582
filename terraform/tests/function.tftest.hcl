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
  metrics                 = { namespace = "Tests", service = "test" }
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

  assert {
    condition = {
      for query in aws_cloudwatch_metric_alarm.this["canary"].metric_query : query.id => try(jsonencode(query.metric[0].dimensions), query.expression)
      } == {
      rate          = "IF(invocations > 0, 100 * (FILL(errors, 0) + FILL(server_errors, 0)) / invocations, 0)"
      errors        = jsonencode({ FunctionName = var.name, Resource = "${var.name}:live", ExecutedVersion = aws_lambda_function.this.version })
      invocations   = jsonencode({ FunctionName = var.name, Resource = "${var.name}:live", ExecutedVersion = aws_lambda_function.this.version })
      server_errors = jsonencode({ function = var.name, service = "test", version = aws_lambda_function.this.version })
    }
    error_message = "The canary's alarm must watch the newest version alone, where the alias calls it."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["canary_duration"].threshold == 24000 && aws_cloudwatch_metric_alarm.this["canary_duration"].extended_statistic == "p99" &&
      aws_cloudwatch_metric_alarm.this["canary_duration"].dimensions == tomap({ FunctionName = var.name, Resource = "${var.name}:live", ExecutedVersion = aws_lambda_function.this.version }) &&
      aws_cloudwatch_metric_alarm.this["duration"].dimensions == tomap({ FunctionName = var.name })
    )
    error_message = "How long the newest version takes must be watched apart from the others."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["canary"].evaluation_periods == 1 && aws_cloudwatch_metric_alarm.this["canary"].datapoints_to_alarm == 1
    error_message = "One bad minute of a new version must be enough."
  }

  assert {
    condition     = length(aws_codedeploy_deployment_group.this) == 0 && aws_lambda_alias.at_once[0].function_version == aws_lambda_function.this.version
    error_message = "Unless it is said how, Terraform itself must move the alias."
  }
}

run "gradual" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    deployment = {
      application   = "itemstream-test-functions"
      role_arn      = "arn:aws:iam::111122223333:role/deployments"
      configuration = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    }
    provisioned_concurrency = { minimum = 1, maximum = 5, autoscaled = true }
  }

  assert {
    condition     = length(aws_lambda_alias.at_once) == 0 && aws_lambda_alias.gradual[0].name == "live" && output.alias.name == "live"
    error_message = "Callers must find the same alias, whoever moves it."
  }

  assert {
    condition = (
      one(aws_codedeploy_deployment_group.this).deployment_style[0] == { deployment_option = "WITH_TRAFFIC_CONTROL", deployment_type = "BLUE_GREEN" } &&
      one(aws_codedeploy_deployment_group.this).deployment_config_name == "CodeDeployDefault.LambdaCanary10Percent5Minutes" &&
      one(aws_codedeploy_deployment_group.this).auto_rollback_configuration[0].enabled &&
      toset(one(aws_codedeploy_deployment_group.this).auto_rollback_configuration[0].events) == toset(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"])
    )
    error_message = "CodeDeploy must shift step by step, and go back by itself."
  }

  assert {
    condition = (
      one(aws_codedeploy_deployment_group.this).alarm_configuration[0].enabled &&
      !one(aws_codedeploy_deployment_group.this).alarm_configuration[0].ignore_poll_alarm_failure &&
      one(aws_codedeploy_deployment_group.this).alarm_configuration[0].alarms == toset([for alarm in ["canary", "canary-duration"] : "${var.name}-${alarm}"])
    )
    error_message = "CodeDeploy must watch the new version alone: an alarm of the old one would keep its cure away."
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.autoscaled[0].qualifier == "live"
    error_message = "What is kept warm must be the alias, so that it follows the versions."
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
