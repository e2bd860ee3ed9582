"""How Terraform makes what has a name: the call, and the attributes in the ARN."""

from __future__ import annotations

from tests.infrastructure.iam import PLACE

__all__ = ["MADE_BY"]

MADE_BY = {
    "aws_cloudwatch_event_archive": (
        "events:CreateArchive",
        f"arn:aws:events:{PLACE}:archive/{{name}}",
    ),
    "aws_cloudwatch_event_bus": (
        "events:CreateEventBus",
        f"arn:aws:events:{PLACE}:event-bus/{{name}}",
    ),
    "aws_cloudwatch_event_rule": (
        "events:PutRule",
        f"arn:aws:events:{PLACE}:rule/{{event_bus_name}}/{{name}}",
    ),
    "aws_cloudwatch_log_group": ("logs:CreateLogGroup", f"arn:aws:logs:{PLACE}:log-group:{{name}}"),
    "aws_cloudwatch_metric_alarm": (
        "cloudwatch:PutMetricAlarm",
        f"arn:aws:cloudwatch:{PLACE}:alarm:{{alarm_name}}",
    ),
    "aws_codedeploy_app": (
        "codedeploy:CreateApplication",
        f"arn:aws:codedeploy:{PLACE}:application:{{name}}",
    ),
    "aws_codedeploy_deployment_group": (
        "codedeploy:CreateDeploymentGroup",
        f"arn:aws:codedeploy:{PLACE}:deploymentgroup:{{app_name}}/{{deployment_group_name}}",
    ),
    "aws_db_instance": ("rds:CreateDBInstance", f"arn:aws:rds:{PLACE}:db:{{identifier}}"),
    "aws_db_parameter_group": ("rds:CreateDBParameterGroup", f"arn:aws:rds:{PLACE}:pg:{{name}}"),
    "aws_db_subnet_group": ("rds:CreateDBSubnetGroup", f"arn:aws:rds:{PLACE}:subgrp:{{name}}"),
    "aws_dynamodb_table": ("dynamodb:CreateTable", f"arn:aws:dynamodb:{PLACE}:table/{{name}}"),
    "aws_elasticache_replication_group": (
        "elasticache:CreateReplicationGroup",
        f"arn:aws:elasticache:{PLACE}:replicationgroup:{{replication_group_id}}",
    ),
    "aws_elasticache_subnet_group": (
        "elasticache:CreateCacheSubnetGroup",
        f"arn:aws:elasticache:{PLACE}:subnetgroup:{{name}}",
    ),
    "aws_elasticache_user": (
        "elasticache:CreateUser",
        f"arn:aws:elasticache:{PLACE}:user:{{user_id}}",
    ),
    "aws_elasticache_user_group": (
        "elasticache:CreateUserGroup",
        f"arn:aws:elasticache:{PLACE}:usergroup:{{user_group_id}}",
    ),
    "aws_iam_role": ("iam:CreateRole", "arn:aws:iam::111122223333:role/{name}"),
    "aws_kms_alias": ("kms:CreateAlias", f"arn:aws:kms:{PLACE}:{{name}}"),
    "aws_lambda_function": (
        "lambda:CreateFunction",
        f"arn:aws:lambda:{PLACE}:function:{{function_name}}",
    ),
    "aws_lambda_layer_version": (
        "lambda:PublishLayerVersion",
        f"arn:aws:lambda:{PLACE}:layer:{{layer_name}}",
    ),
    "aws_s3_bucket": ("s3:CreateBucket", "arn:aws:s3:::{bucket}"),
    "aws_scheduler_schedule": (
        "scheduler:CreateSchedule",
        f"arn:aws:scheduler:{PLACE}:schedule/{{group_name}}/{{name}}",
    ),
    "aws_scheduler_schedule_group": (
        "scheduler:CreateScheduleGroup",
        f"arn:aws:scheduler:{PLACE}:schedule-group/{{name}}",
    ),
    "aws_secretsmanager_secret": (
        "secretsmanager:CreateSecret",
        f"arn:aws:secretsmanager:{PLACE}:secret:{{name}}-abcdef",
    ),
    "aws_sns_topic": ("sns:CreateTopic", f"arn:aws:sns:{PLACE}:{{name}}"),
    "aws_sqs_queue": ("sqs:CreateQueue", f"arn:aws:sqs:{PLACE}:{{name}}"),
    "aws_wafv2_web_acl": (
        "wafv2:CreateWebACL",
        f"arn:aws:wafv2:{PLACE}:regional/webacl/{{name}}/1",
    ),
}
