"""A dead-letter queue in moto, and Lambda's context."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from tests.fakes.gateway import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEAD_LETTERS = "itemstream-test-dead-letters"


@pytest.fixture
def dead_letter_queue(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DEAD_LETTERS_QUEUE", DEAD_LETTERS)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "itemstream-test-consumer")
    with mock_aws():
        yield aws_client("sqs").create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]


@pytest.fixture
def letters(dead_letter_queue: str) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that takes what is on the dead-letter queue: body and attributes."""

    def taken() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := (
            aws_client("sqs")
            .receive_message(
                QueueUrl=dead_letter_queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            .get("Messages")
        ):
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                found.append(
                    {
                        "body": message["Body"],
                        **{name: value["StringValue"] for name, value in attributes.items()},
                    }
                )
        return found

    return taken


@pytest.fixture
def context() -> LambdaContext:
    return LambdaContext("itemstream-test-consumer")


def body_of(letter: dict[str, Any]) -> Any:
    return json.loads(letter["body"])
