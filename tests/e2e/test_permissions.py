"""Least privilege: what each function's role may do, tried with the role's own credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import LocalStack

KEY = {"pk": {"S": "permissions#0"}, "sk": {"S": "x"}}


def calls(stack: LocalStack, client: Callable[[str], Any]) -> dict[str, Callable[[], Any]]:
    """Return a harmless call for each permission that is of interest."""
    items, idempotency = stack.table("items"), stack.table("idempotency")
    dynamodb = client("dynamodb")
    return {
        "items:GetItem": lambda: dynamodb.get_item(TableName=items, Key=KEY),
        "items:PutItem": lambda: dynamodb.put_item(TableName=items, Item=KEY),
        "items:UpdateItem": lambda: dynamodb.update_item(
            TableName=items, Key=KEY, UpdateExpression="SET a = pk"
        ),
        "items:DeleteItem": lambda: dynamodb.delete_item(TableName=items, Key=KEY),
        "items:Query": lambda: dynamodb.query(
            TableName=items,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": KEY["pk"]},
        ),
        "items:BatchGetItem": lambda: dynamodb.batch_get_item(
            RequestItems={items: {"Keys": [KEY]}}
        ),
        "items:Scan": lambda: dynamodb.scan(TableName=items),
        "idempotency:GetItem": lambda: dynamodb.get_item(
            TableName=idempotency, Key={"pk": KEY["pk"]}
        ),
        "idempotency:PutItem": lambda: dynamodb.put_item(
            TableName=idempotency, Item={"pk": KEY["pk"]}
        ),
        "tables:List": lambda: dynamodb.list_tables(),
        "keys:GetObject": lambda: client("s3").get_object(
            Bucket=stack.status["buckets"]["keys"], Key="jwks.json"
        ),
        "keys:PutObject": lambda: client("s3").put_object(
            Bucket=stack.status["buckets"]["keys"], Key="other.json", Body=b"{}"
        ),
        "cursor_signing:GetSecretValue": lambda: client("secretsmanager").get_secret_value(
            SecretId=stack.status["secrets"]["cursor_signing"]["name"]
        ),
        "token_signing:GetSecretValue": lambda: client("secretsmanager").get_secret_value(
            SecretId=stack.status["secrets"]["token_signing"]["name"]
        ),
        "functions:Invoke": lambda: client("lambda").invoke(
            FunctionName=stack.function("get_item"), Payload=b"{}"
        ),
    }


GRANTED = {
    "rest_authorizer": {"keys:GetObject"},
    "create_item": {"items:PutItem", "idempotency:GetItem", "idempotency:PutItem"},
    "get_item": {"items:GetItem"},
    "list_items": {"items:Query", "items:BatchGetItem", "cursor_signing:GetSecretValue"},
    "update_item": {"items:UpdateItem"},
    "delete_item": {"items:DeleteItem"},
    "get_health": {"items:GetItem"},
    "get_documentation": set(),
}


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
    for permission, call in calls(stack, lambda s: stack.client(s, **credentials)).items():
        try:
            call()
            allowed.add(permission)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            assert "AccessDenied" in code, f"{permission}: {error}"

    # Then
    assert allowed == GRANTED[function]


def test_every_function_is_checked(stack: LocalStack) -> None:
    assert GRANTED.keys() == stack.status["functions"].keys()
