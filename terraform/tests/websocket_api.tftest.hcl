# What the module of the WebSocket API makes of its routes, and what it refuses.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name               = "itemstream-test-websocket"
  description        = "Events as they happen."
  authorizer         = { name = "authorizer", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/authorizer" }
  throttle           = { rate = 10, burst = 5 }
  metrics            = { namespace = "Tests", service = "test" }
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days = 7
  alerts_topic_arn   = "arn:aws:sns:eu-central-1:111122223333:alerts"
}

run "routes" {
  command = plan

  module {
    source = "./modules/websocket_api"
  }

  variables {
    routes = {
      "$connect"    = { answers = false, function = { name = "connect", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/connect" } }
      "$disconnect" = { answers = false, function = { name = "disconnect", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/disconnect" } }
      "$default"    = { answers = true, function = { name = "message", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/message" } }
      "ping"        = { answers = true, function = { name = "message", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/message" } }
    }
  }

  assert {
    condition     = toset(keys(aws_apigatewayv2_route_response.this)) == toset(["$default", "ping"])
    error_message = "What a function returns must reach the client where the route answers, and nowhere else."
  }

  assert {
    condition     = length(aws_apigatewayv2_integration.function) == 3
    error_message = "A function that answers several routes needs one integration."
  }

  assert {
    condition     = toset([for key, route in aws_apigatewayv2_route.this : key if route.authorization_type != "NONE"]) == toset(["$connect"])
    error_message = "Only who connects can be asked who they are: API Gateway refuses an authorizer elsewhere."
  }

  assert {
    condition     = aws_lambda_permission.route["$connect"].statement_id == "websocket-connect" && endswith(aws_lambda_permission.route["$connect"].source_arn, "/v1/$connect")
    error_message = "A function must be called by its own routes only."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.rate) : alarm.alarm_actions == toset([var.alerts_topic_arn])])
    error_message = "Alarms must notify the alerts topic."
  }

  assert {
    condition = (
      { for query in aws_cloudwatch_metric_alarm.rate["failures"].metric_query : query.id => try("${query.metric[0].metric_name} ${query.metric[0].stat}", "") } == {
        rate     = ""
        errors   = "IntegrationError Sum"
        broken   = "ExecutionError Sum"
        answered = "IntegrationLatency SampleCount"
      }
    )
    error_message = "Failures must be measured by calls for clients: by what is posted to clients, they would be few."
  }

  # Without FILL a quiet metric makes the whole expression missing, and missing is no breach.
  assert {
    condition = alltrue([
      for query in aws_cloudwatch_metric_alarm.rate["failures"].metric_query :
      length(regexall("\\b(errors|broken|answered)\\b", query.expression)) == length(regexall("FILL\\((errors|broken|answered), 0\\)", query.expression)) if query.expression != null
    ])
    error_message = "An alarm on failures must not depend on every metric having been counted."
  }

  assert {
    condition = (
      toset([for alarm in values(aws_cloudwatch_metric_alarm.rate) : alarm.alarm_name]) == toset(["itemstream-test-websocket-failures", "itemstream-test-websocket-refusals", "message-server-errors"]) &&
      { for query in aws_cloudwatch_metric_alarm.rate["message"].metric_query : query.id => try("${query.metric[0].namespace} ${query.metric[0].metric_name} ${query.metric[0].dimensions.function} ${query.metric[0].dimensions.service}", query.expression) } == {
        rate     = "IF(requests > 0, 100 * FILL(failures, 0) / requests, 0)"
        failures = "Tests ServerErrors message test"
        requests = "Tests Requests message test"
      }
    )
    error_message = "A function that answers clients must be watched by the errors that it answers: it never fails."
  }
}

run "without_a_default" {
  command = plan

  module {
    source = "./modules/websocket_api"
  }

  variables {
    routes = {
      "$connect"    = { answers = false, function = { name = "connect", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/connect" } }
      "$disconnect" = { answers = false, function = { name = "disconnect", alias = "live", invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/disconnect" } }
    }
  }

  expect_failures = [var.routes]
}
