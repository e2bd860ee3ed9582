"""Subscribers to the topic of notifications, each with a queue of its own."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import LocalStack


@dataclass
class Subscriber:
    """A queue that gets what a filter policy lets through."""

    sqs: Any
    url: str
    _heard: Counter[str] = field(default_factory=Counter)

    def heard(self) -> Counter[str]:
        """Return how often it has heard of each event by now, by the event's id."""
        for message in self.take():
            self._heard[json.loads(message["Message"])["event"]["id"]] += 1
        return self._heard

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that came since the last time, as SNS wraps them."""
        taken: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            taken += [json.loads(message["Body"]) for message in messages]
            self.sqs.delete_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
        return taken


@contextmanager
def subscribed(stack: LocalStack, **wanted: list[str]) -> Iterator[Subscriber]:
    """Subscribe to notifications whose attributes have one of the values wanted."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    topic = stack.status["topics"]["notifications"]["arn"]
    name = f"subscriber-{uuid4().hex[:12]}"
    arn = f"arn:aws:sqs:{stack.status['region']}:{topic.split(':')[4]}:{name}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    try:
        subscription = sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"FilterPolicy": json.dumps(wanted)},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        try:
            yield Subscriber(sqs, url)
        finally:
            sns.unsubscribe(SubscriptionArn=subscription)
    finally:
        sqs.delete_queue(QueueUrl=url)
