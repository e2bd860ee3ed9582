# The alias `live`, which callers invoke, and how it comes to a new version. Where CodeDeploy moves it,
# Terraform must leave it alone; `lifecycle` takes no condition, hence two resources of which one
# exists.

locals {
  gradual = var.deployment != null
  live    = one(concat(aws_lambda_alias.at_once, aws_lambda_alias.gradual))

  # Those of the new version alone. What the old one does wrong, or leaves waiting, a new version may be
  # there to mend.
  deployment_alarms = ["canary", "canary_duration"]
}

resource "aws_lambda_alias" "at_once" {
  count = local.gradual ? 0 : 1

  name             = "live"
  description      = "What callers invoke."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

moved {
  from = aws_lambda_alias.live
  to   = aws_lambda_alias.at_once[0]
}

resource "aws_lambda_alias" "gradual" {
  count = local.gradual ? 1 : 0

  name             = "live"
  description      = "What callers invoke."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

resource "aws_codedeploy_deployment_group" "this" {
  count = local.gradual ? 1 : 0

  app_name               = var.deployment.application
  deployment_group_name  = var.name
  service_role_arn       = var.deployment.role_arn
  deployment_config_name = var.deployment.configuration

  deployment_style {
    deployment_type   = "BLUE_GREEN"
    deployment_option = "WITH_TRAFFIC_CONTROL"
  }

  # Alarms that cannot be read stop a deployment.
  alarm_configuration {
    enabled                   = true
    alarms                    = [for alarm in local.deployment_alarms : aws_cloudwatch_metric_alarm.this[alarm].alarm_name]
    ignore_poll_alarm_failure = false
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
  }
}
