# What AWS would answer, as far as the provider checks its form.

mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_region" {
  defaults = { name = "eu-central-1" }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-central-1:111122223333:certificate/mock"
    domain_validation_options = [{
      domain_name           = "api.example.com"
      resource_record_name  = "_mock.api.example.com"
      resource_record_type  = "CNAME"
      resource_record_value = "_mock.acm-validations.aws"
    }]
  }
}

mock_resource "aws_api_gateway_rest_api" {
  defaults = {
    id               = "a1b2c3d4e5"
    root_resource_id = "r0"
    execution_arn    = "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3d4e5"
  }
}

mock_resource "aws_api_gateway_request_validator" {
  defaults = { id = "v1" }
}

mock_resource "aws_api_gateway_stage" {
  defaults = { arn = "arn:aws:apigateway:eu-central-1::/restapis/a1b2c3d4e5/stages/v1" }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    id            = "h1t2t3p4a5"
    execution_arn = "arn:aws:execute-api:eu-central-1:111122223333:h1t2t3p4a5"
  }
}

mock_resource "aws_apigatewayv2_authorizer" {
  defaults = { id = "u1" }
}

mock_resource "aws_apigatewayv2_integration" {
  defaults = { id = "i1" }
}

mock_resource "aws_cloudwatch_event_archive" {
  defaults = { arn = "arn:aws:events:eu-central-1:111122223333:archive/mock" }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = { arn = "arn:aws:events:eu-central-1:111122223333:event-bus/mock" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:eu-central-1:111122223333:rule/mock/mock" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:/mock" }
}

mock_resource "aws_db_instance" {
  defaults = {
    address            = "mock.eu-central-1.rds.amazonaws.com"
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-mock" }]
  }
}

mock_resource "aws_db_proxy" {
  defaults = {
    arn      = "arn:aws:rds:eu-central-1:111122223333:db-proxy:prx-0123456789abcdef0"
    endpoint = "mock.proxy-mock.eu-central-1.rds.amazonaws.com"
  }
}

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn        = "arn:aws:dynamodb:eu-central-1:111122223333:table/mock"
    stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/mock/stream/2026-01-01T00:00:00.000"
  }
}

mock_resource "aws_ecr_repository" {
  defaults = { arn = "arn:aws:ecr:eu-central-1:111122223333:repository/itemstream-mock" }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    arn                      = "arn:aws:elasticache:eu-central-1:111122223333:replicationgroup:mock"
    primary_endpoint_address = "mock.cache.amazonaws.com"
  }
}

mock_resource "aws_elasticache_user" {
  defaults = { arn = "arn:aws:elasticache:eu-central-1:111122223333:user:mock" }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::111122223333:policy/mock" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000" }
}

mock_resource "aws_lambda_alias" {
  defaults = {
    arn        = "arn:aws:lambda:eu-central-1:111122223333:function:mock:live"
    invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:111122223333:function:mock:live/invocations"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn     = "arn:aws:lambda:eu-central-1:111122223333:function:mock"
    version = "1"
  }
}

mock_resource "aws_lambda_layer_version" {
  defaults = { arn = "arn:aws:lambda:eu-central-1:111122223333:layer:mock:1" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:mock" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-central-1:111122223333:mock" }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-central-1:111122223333:mock"
    url = "https://sqs.eu-central-1.amazonaws.com/111122223333/mock"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = { arn = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/mock/00000000-0000-0000-0000-000000000000" }
}
