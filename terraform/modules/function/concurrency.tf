# Warm capacity of the alias. While the alias has weights, Lambda shares it out between both versions and
# takes no change of it. Once target tracking moves the number, Terraform must leave it alone; `lifecycle`
# takes no condition, hence two resources of which at most one exists.

locals {
  autoscaled = var.provisioned_concurrency.autoscaled && var.provisioned_concurrency.maximum > var.provisioned_concurrency.minimum
  fixed      = !local.autoscaled && var.provisioned_concurrency.minimum > 0
}

resource "aws_lambda_provisioned_concurrency_config" "fixed" {
  count = local.fixed ? 1 : 0

  function_name                     = local.live.function_name
  qualifier                         = local.live.name
  provisioned_concurrent_executions = var.provisioned_concurrency.minimum
}

resource "aws_lambda_provisioned_concurrency_config" "autoscaled" {
  count = local.autoscaled ? 1 : 0

  function_name                     = local.live.function_name
  qualifier                         = local.live.name
  provisioned_concurrent_executions = max(1, var.provisioned_concurrency.minimum)

  lifecycle {
    ignore_changes = [provisioned_concurrent_executions]
  }
}

resource "aws_appautoscaling_target" "provisioned" {
  count = local.autoscaled ? 1 : 0

  depends_on = [aws_lambda_provisioned_concurrency_config.autoscaled]

  service_namespace  = "lambda"
  scalable_dimension = "lambda:function:ProvisionedConcurrency"
  resource_id        = "function:${local.live.function_name}:${local.live.name}"
  min_capacity       = max(1, var.provisioned_concurrency.minimum)
  max_capacity       = var.provisioned_concurrency.maximum
}

resource "aws_appautoscaling_policy" "provisioned" {
  count = local.autoscaled ? 1 : 0

  name               = "${var.name}-provisioned-concurrency"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.provisioned[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.provisioned[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.provisioned[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value = 0.7

    predefined_metric_specification {
      predefined_metric_type = "LambdaProvisionedConcurrencyUtilization"
    }
  }
}
