"""Listeners on the event bus, each with a rule and a queue of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import LocalStack


@dataclass
class Listener:
    """A queue that gets the events that its rule's pattern matches."""

    sqs: Any
    url: str
    rule_arn: str
    envelopes: list[dict[str, Any]] = field(default_factory=list)

    def listen(self) -> list[dict[str, Any]]:
        """Take what has come, and return all that ever came: the CloudEvents, as they came."""
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            self.envelopes += [json.loads(message["Body"]) for message in messages]
            self.sqs.delete_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
        return [envelope["detail"] for envelope in self.envelopes]

    def hears(
        self, count: int, within: float = 90, replay: str | None = None
    ) -> list[dict[str, Any]]:
        """
        Return the events as soon as there are so many, in the log's order.

        The bus may bring one twice, which counts once. What a replay brings again counts only if
        it is named: other tests have replays of their own, which come to everybody.
        """
        eventually(
            lambda: len(self._different(replay)) >= count, within=within, what=f"{count} events"
        )
        return sorted(self._different(replay), key=lambda event: str(event["sequence"]))

    def _different(self, replay: str | None) -> list[dict[str, Any]]:
        self.listen()
        different = {
            (envelope["detail"]["id"], envelope.get("replay-name")): envelope["detail"]
            for envelope in self.envelopes
            if envelope.get("replay-name") in (None, replay)
        }
        return list(different.values())


@contextmanager
def listening(stack: LocalStack, tenant: str, **pattern: Any) -> Iterator[Listener]:
    """Listen to a tenant's events; ``pattern`` says more of what the detail has to be."""
    sqs, events = stack.client("sqs"), stack.client("events")
    bus = stack.status["bus"]
    name = f"listener-{uuid4().hex[:12]}"
    account = bus["arn"].split(":")[4]
    queue_arn = f"arn:aws:sqs:{stack.status['region']}:{account}:{name}"
    rule_arn = events.put_rule(
        Name=name,
        EventBusName=bus["name"],
        EventPattern=json.dumps(
            {"source": ["itemstream"], "detail": {"tenant": [tenant], **pattern}}
        ),
    )["RuleArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
            }
        ],
    }
    try:
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})[
            "QueueUrl"
        ]
        try:
            events.put_targets(
                Rule=name, EventBusName=bus["name"], Targets=[{"Id": "queue", "Arn": queue_arn}]
            )
            yield Listener(sqs, url, rule_arn)
            events.remove_targets(Rule=name, EventBusName=bus["name"], Ids=["queue"])
        finally:
            sqs.delete_queue(QueueUrl=url)
    finally:
        events.delete_rule(Name=name, EventBusName=bus["name"], Force=True)
