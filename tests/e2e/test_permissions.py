"""Least privilege: what each function's role may do, tried with the role's own credentials."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import LocalStack

TABLES = {
    **dict.fromkeys(
        ("items", "events", "image_uploads", "bronze_call", "rejected_call", "connections"), True
    ),
    **dict.fromkeys(("health", "reports"), True),
    **dict.fromkeys(("idempotency", "notification_marks", "silver_call", "tickets"), False),
    "cleanup": False,
}
BUCKETS = ("keys", "uploads", "processed", "landing", "archive", "reports")
SECRETS = ("cursor_signing", "token_signing", "canary_client", "database", "database_owner")

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "ForbiddenException"}
NOT_THERE = {"GoneException", "NoSuchKey", "ResourceNotFoundException", "ResourceExistsException"}

Calls = dict[str, Any]


def calls(stack: LocalStack, client: Callable[[str], Any]) -> Calls:
    """Return a harmless call for each permission that is of interest."""
    found: Calls = {}
    for table, sorted_ in TABLES.items():
        found |= table_calls(client("dynamodb"), table, stack.table(table), sorted_)
    for bucket in BUCKETS:
        found |= bucket_calls(client("s3"), bucket, stack.status["buckets"][bucket])
    for queue, addresses in stack.status["queues"].items():
        found[f"{queue}:SendMessage"] = partial(
            client("sqs").send_message, QueueUrl=addresses["url"], MessageBody="permissions"
        )
    for secret in SECRETS:
        found |= secret_calls(stack, client("secretsmanager"), secret)
    found["tables:List"] = client("dynamodb").list_tables
    found["functions:Invoke"] = partial(
        client("lambda").invoke, FunctionName=stack.function("get_item"), Payload=b"{}"
    )
    # Of functions that are not there, but have names like ours.
    nobody = stack.function("get_item").replace("get-item", "permissions")
    found["functions:DeleteFunction"] = partial(
        client("lambda").delete_function, FunctionName=nobody
    )
    found["versions:DeleteFunction"] = partial(
        client("lambda").delete_function, FunctionName=f"{nobody}:1"
    )
    found["functions:ListAliases"] = partial(client("lambda").list_aliases, FunctionName=nobody)
    found["bus:PutEvents"] = partial(
        client("events").put_events,
        Entries=[
            {
                "EventBusName": stack.status["bus"]["name"],
                "Source": "permissions",
                "DetailType": "permissions",
                "Detail": "{}",
            }
        ],
    )
    connections = client("apigatewaymanagementapi")
    found["realtime:POST"] = partial(
        connections.post_to_connection, ConnectionId="permissions=", Data=b"-"
    )
    found["realtime:DELETE"] = partial(connections.delete_connection, ConnectionId="permissions=")
    for topic in ("alerts", "notifications"):
        found[f"{topic}:Publish"] = partial(
            client("sns").publish, TopicArn=stack.status["topics"][topic]["arn"], Message="-"
        )
    return found


def table_calls(dynamodb: Any, table: str, name: str, sorted_: bool) -> Calls:
    """Return a call for each action on a table; its keys are of no tenant."""
    key = {"pk": {"S": "permissions#0"}, **({"sk": {"S": "x"}} if sorted_ else {})}
    check = {"TableName": name, "Key": key, "ConditionExpression": "attribute_not_exists(pk)"}
    return {
        f"{table}:GetItem": lambda: dynamodb.get_item(TableName=name, Key=key),
        f"{table}:PutItem": lambda: dynamodb.put_item(TableName=name, Item=key),
        f"{table}:UpdateItem": lambda: dynamodb.update_item(
            TableName=name, Key=key, UpdateExpression="SET a = pk"
        ),
        f"{table}:DeleteItem": lambda: dynamodb.delete_item(TableName=name, Key=key),
        f"{table}:Query": lambda: dynamodb.query(
            TableName=name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": key["pk"]},
        ),
        f"{table}:BatchGetItem": lambda: dynamodb.batch_get_item(
            RequestItems={name: {"Keys": [key]}}
        ),
        f"{table}:BatchWriteItem": lambda: dynamodb.batch_write_item(
            RequestItems={name: [{"DeleteRequest": {"Key": key}}]}
        ),
        f"{table}:ConditionCheckItem": lambda: dynamodb.transact_write_items(
            TransactItems=[{"ConditionCheck": check}]
        ),
        f"{table}:Scan": lambda: dynamodb.scan(TableName=name, Limit=1),
    }


def bucket_calls(s3: Any, bucket: str, name: str) -> Calls:
    """Return a call for each action on a bucket; only the public keys are there to be read."""
    key = "jwks.json" if bucket == "keys" else "permissions"
    return {
        f"{bucket}:GetObject": lambda: s3.get_object(Bucket=name, Key=key),
        f"{bucket}:PutObject": lambda: s3.put_object(Bucket=name, Key="permissions", Body=b"-"),
        f"{bucket}:DeleteObject": lambda: s3.delete_object(Bucket=name, Key="permissions"),
        f"{bucket}:DeleteObjectVersion": lambda: s3.delete_object(
            Bucket=name, Key="permissions", VersionId="permissions"
        ),
        f"{bucket}:ListBucket": lambda: s3.list_objects_v2(Bucket=name, MaxKeys=1),
        f"{bucket}:ListBucketVersions": lambda: s3.list_object_versions(Bucket=name, MaxKeys=1),
    }


def secret_calls(stack: LocalStack, manager: Any, secret: str) -> Calls:
    """Return a call for each action on a secret; a version has its one value already."""
    name = stack.status["secrets"][secret]["name"]
    described = stack.client("secretsmanager").describe_secret(SecretId=name)
    return {
        f"{secret}:GetSecretValue": lambda: manager.get_secret_value(SecretId=name),
        f"{secret}:PutSecretValue": lambda: manager.put_secret_value(
            SecretId=name,
            ClientRequestToken=next(iter(described.get("VersionIdsToStages", {})), "0" * 32),
            SecretString="permissions",
            VersionStages=["permissions"],
        ),
        f"{secret}:UpdateSecretVersionStage": lambda: manager.update_secret_version_stage(
            SecretId=name, VersionStage="permissions", RemoveFromVersionId="0" * 32
        ),
    }


# A connection, with its subscriptions.
REMOVING = {"connections:GetItem", "connections:DeleteItem", "connections:BatchWriteItem"}
GRANTED = {
    "rest_authorizer": {"keys:GetObject"},
    "http_authorizer": {"keys:GetObject"},
    "websocket_authorizer": {"tickets:DeleteItem", "keys:GetObject"},
    "create_item": {"items:PutItem", "idempotency:GetItem", "idempotency:PutItem"},
    "get_item": {"items:GetItem"},
    "list_items": {"items:Query", "items:BatchGetItem", "cursor_signing:GetSecretValue"},
    "update_item": {"items:UpdateItem"},
    "delete_item": {"items:DeleteItem"},
    "create_image_upload": {
        *("items:ConditionCheckItem", "items:GetItem"),
        *("image_uploads:PutItem", "image_uploads:Query", "uploads:PutObject"),
    },
    "get_image": {"items:GetItem", "image_uploads:GetItem", "processed:GetObject"},
    "create_report": {"reports:PutItem"},
    "list_reports": {"reports:Query", "cursor_signing:GetSecretValue"},
    "get_report": {"reports:GetItem", "reports:GetObject"},
    "weekly_reports": {"reports:PutItem", "database:GetSecretValue"},
    "report_generator": {
        *("reports:GetItem", "reports:UpdateItem", "reports:PutObject"),
        "database:GetSecretValue",
    },
    "get_health": {"health:GetItem"},
    "health_checker": {
        *("items:GetItem", "health:GetItem", "health:PutItem", "keys:ListBucket"),
        *("token_signing:GetSecretValue", "canary_client:GetSecretValue"),
    },
    "network_probe": {"database:GetSecretValue"},
    "get_documentation": set(),
    "image_processor": {
        *("items:GetItem", "items:UpdateItem"),
        *("image_uploads:GetItem", "image_uploads:PutItem", "image_uploads:UpdateItem"),
        *("uploads:ListBucket", "uploads:GetObject", "uploads:DeleteObject"),
        *("processed:ListBucket", "processed:PutObject", "processed:DeleteObject"),
    },
    "image_remover": {
        *("image_uploads:Query", "image_uploads:DeleteItem"),
        *("uploads:ListBucket", "uploads:DeleteObject"),
        *("processed:ListBucket", "processed:DeleteObject"),
    },
    "call_ingestor": {
        *("landing:ListBucket", "landing:GetObject"),
        *("bronze_call:GetItem", "bronze_call:PutItem", "bronze_call:BatchWriteItem"),
    },
    "data_transformer": {"silver_call:PutItem", "rejected_call:BatchWriteItem"},
    "change_publisher": {
        *("events:GetItem", "events:PutItem", "events:UpdateItem", "idempotency:PutItem"),
    },
    "event_router": {"bus:PutEvents"},
    "notification_sender": {
        *("notification_marks:GetItem", "notification_marks:PutItem"),
        *("notification_marks:UpdateItem", "notification_marks:DeleteItem"),
        *("notifications:Publish", "reports:GetObject"),
        # The dead letters of the queue that it reads, beside its own.
        "notifications_dead_letters:SendMessage",
    },
    "report_projector": {
        *("events:GetItem", "events:Query", "database:GetSecretValue"),
        "report_events_dead_letters:SendMessage",
    },
    "rebuild_reports": {
        *("events:GetItem", "events:Query", "events:Scan"),
        *("items:Query", "silver_call:Scan", "database:GetSecretValue"),
    },
    "list_calls": {
        *("silver_call:Query", "silver_call:BatchGetItem", "cursor_signing:GetSecretValue"),
    },
    "get_call": {"silver_call:GetItem"},
    "create_ticket": {"tickets:PutItem"},
    "connect": {"connections:PutItem", "connection_endings:SendMessage"},
    "disconnect": REMOVING,
    "message": {
        *("connections:GetItem", "connections:PutItem"),
        *("connections:UpdateItem", "connections:DeleteItem"),
        *("events:GetItem", "keys:GetObject"),
        *("replays:SendMessage", "connection_endings:SendMessage"),
    },
    "broadcaster": {
        *REMOVING,
        *("connections:BatchGetItem", "connections:Query", "connections:UpdateItem"),
        *("replays:SendMessage", "topic_deliveries:SendMessage", "realtime:POST"),
    },
    "topic_sender": {
        *REMOVING,
        *("connections:BatchGetItem", "connections:Query", "connections:UpdateItem"),
        *("events:GetItem", "events:Query"),
        *("replays:SendMessage", "topic_deliveries:SendMessage", "realtime:POST"),
        "topic_deliveries_dead_letters:SendMessage",
    },
    "cleanup_job": {
        *(
            f"{table}:{action}"
            for table in ("connections", "tickets", "idempotency", "image_uploads", "bronze_call")
            for action in ("Scan", "DeleteItem")
        ),
        *("image_uploads:GetItem", "items:GetItem", "cleanup:GetItem", "cleanup:PutItem"),
        *(
            f"{bucket}:{action}"
            for bucket in ("uploads", "processed")
            for action in ("ListBucketVersions", "DeleteObjectVersion")
        ),
        *("archive:PutObject", "archive:GetObject"),
        *("versions:DeleteFunction", "functions:ListAliases"),
    },
    "replayer": {
        *REMOVING,
        *("connections:UpdateItem", "events:GetItem", "events:Query"),
        *("replays:SendMessage", "realtime:POST", "realtime:DELETE"),
        "replays_dead_letters:SendMessage",
    },
    "connection_closer": {
        *REMOVING,
        *("connection_endings:SendMessage", "realtime:POST", "realtime:DELETE"),
        "connection_endings_dead_letters:SendMessage",
    },
    "rotate_secret": {
        *(
            f"{secret}:{action}"
            for secret in ("cursor_signing", "token_signing", "database")
            for action in ("GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
        ),
        "database_owner:GetSecretValue",
        *("keys:ListBucket", "keys:GetObject", "keys:PutObject"),
    },
    "migrate": {
        *("database:GetSecretValue", "database:PutSecretValue", "database_owner:GetSecretValue"),
    },
}


def tried(function: str, granted: set[str], permission: str) -> bool:
    """Choose all of what a role may use in some way; of all else a third, for each role another."""
    used = {one.partition(":")[0] for one in granted}
    return (
        permission.partition(":")[0] in used or crc32(f"{function} {permission}".encode()) % 3 == 0
    )


@pytest.mark.parametrize("function", GRANTED)
def test_a_role_may_do_what_its_function_does_and_nothing_else(
    stack: LocalStack, function: str
) -> None:
    # Given
    role = stack.client("lambda").get_function_configuration(FunctionName=stack.function(function))[
        "Role"
    ]
    assumed = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="permissions")
    credentials = {
        "aws_access_key_id": assumed["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": assumed["Credentials"]["SecretAccessKey"],
        "aws_session_token": assumed["Credentials"]["SessionToken"],
    }

    # When
    allowed = set()
    client = cache(lambda service: stack.client(service, **credentials))
    granted = GRANTED[function] | {f"{function}_dead_letters:SendMessage"}
    for permission, call in calls(stack, client).items():
        if not tried(function, granted, permission):
            continue
        try:
            call()
            allowed.add(permission)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in NOT_THERE:
                # It may look, and there is nothing.
                allowed.add(permission)
                continue
            assert code in DENIED, f"{permission}: {error}"

    # Then
    assert allowed == granted


def test_every_function_is_checked(stack: LocalStack) -> None:
    assert GRANTED.keys() == stack.status["functions"].keys()
