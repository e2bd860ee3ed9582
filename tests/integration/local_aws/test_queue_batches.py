"""Who may do something to one message of a queue may do so to a batch, and nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.local_aws.conftest import REGION, create_queue

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack, Queue

BATCHES = ("SendMessage", "ChangeMessageVisibility", "DeleteMessage")


def document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def client_that_may(ministack: Ministack, queue: Queue, *actions: str) -> Any:
    """Return a client with the credentials of a role that may do just this to a queue."""
    iam, name = ministack.client("iam"), f"batches-{uuid4().hex[:8]}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
    allowed = {
        "Effect": "Allow",
        "Action": [f"sqs:{action}" for action in actions],
        "Resource": queue.arn,
    }
    iam.put_role_policy(RoleName=name, PolicyName="access", PolicyDocument=document(allowed))
    given = ministack.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="trial")
    return boto3.client(
        "sqs",
        endpoint_url=ministack.endpoint,
        region_name=REGION,
        aws_access_key_id=given["Credentials"]["AccessKeyId"],
        aws_secret_access_key=given["Credentials"]["SecretAccessKey"],
        aws_session_token=given["Credentials"]["SessionToken"],
    )


def in_a_batch(client: Any, queue: Queue, action: str) -> dict[str, Any]:
    """Do something to one message, as a batch of one."""
    if action == "SendMessage":
        entries = [{"Id": "0", "MessageBody": "again"}]
        return dict(client.send_message_batch(QueueUrl=queue.url, Entries=entries))
    [message] = queue.client.receive_message(QueueUrl=queue.url)["Messages"]
    entry = {"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}
    if action == "DeleteMessage":
        return dict(client.delete_message_batch(QueueUrl=queue.url, Entries=[entry]))
    return dict(
        client.change_message_visibility_batch(
            QueueUrl=queue.url, Entries=[{**entry, "VisibilityTimeout": 0}]
        )
    )


@pytest.mark.parametrize("action", BATCHES)
def test_a_permission_for_one_message_is_one_for_a_batch(ministack: Ministack, action: str) -> None:
    # Given
    queue = create_queue(ministack)
    queue.client.send_message(QueueUrl=queue.url, MessageBody="first")
    client = client_that_may(ministack, queue, action)

    # When
    answer = in_a_batch(client, queue, action)

    # Then
    assert [entry["Id"] for entry in answer["Successful"]] == ["0"]


@pytest.mark.parametrize("action", BATCHES)
def test_without_it_the_batch_is_refused(ministack: Ministack, action: str) -> None:
    # Given a role that may do all the rest
    queue = create_queue(ministack)
    queue.client.send_message(QueueUrl=queue.url, MessageBody="first")
    client = client_that_may(ministack, queue, *(other for other in BATCHES if other != action))

    # When
    with pytest.raises(ClientError) as raised:
        in_a_batch(client, queue, action)

    # Then
    assert "AccessDenied" in raised.value.response["Error"]["Code"]
