"""A topic in moto with a queue behind it, a table of marks, and a topic that fails to order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from tests.fakes.tables import NOTIFICATION_MARKS, create_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itemstream.notifications.model import Notification

TOPIC = "itemstream-test-notifications"


class OrderedTopic:
    """A topic in memory that raises what it is told to, one error for each attempt."""

    name = TOPIC

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = list(errors)
        self.attempts = 0
        self.published: list[Notification] = []

    def publish(self, notification: Notification) -> None:
        self.attempts += 1
        error = self.errors.pop(0) if self.errors else None
        if error is None or isinstance(error, Died):
            self.published.append(notification)
        if error is not None:
            raise error


class Died(BaseException):
    """The process ends where this is raised: nothing of ours catches it."""


@pytest.fixture
def in_moto(aws: None) -> Iterator[None]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield


@pytest.fixture
def marks(in_moto: None) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that reads all marks."""

    def read() -> list[dict[str, Any]]:
        rows = aws_client("dynamodb").scan(TableName=NOTIFICATION_MARKS)["Items"]
        return [{name: next(iter(value.values())) for name, value in row.items()} for row in rows]

    return read


@pytest.fixture
def topic_arn(in_moto: None) -> str:
    client = botocore.session.Session().create_client("sns", region_name="us-east-1")
    return str(client.create_topic(Name=TOPIC)["TopicArn"])


@pytest.fixture
def delivered(topic_arn: str) -> Callable[[], list[dict[str, Any]]]:
    """Subscribe a queue to the topic; return a function that takes what it got."""
    sqs = aws_client("sqs")
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    aws_client("sns").subscribe(
        TopicArn=topic_arn, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:subscriber"
    )

    def taken() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    return taken
