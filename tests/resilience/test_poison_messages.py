"""A thousand messages, of which some never and some only later succeed."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.fakes.notified_events import cloud_event, from_the_bus
from tests.local_stack import ITEMSTREAM, ROOT
from tests.resilience.faults import BROKEN, THROTTLED, AwsCall, Fault, faults_between
from tests.subscribers import subscribed
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

MESSAGES = 1000
# One of twenty is poison, two of twenty fail in passing: once, twice or three times.
POISON = 1
PASSING = (2, 3)
INVALID = Fault(400, "InvalidParameter")


class BadLuck:
    """Decides on each attempt to publish; what is poison may be mended."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.numbers = numbers
        self.mended = False
        self.failures: Counter[str] = Counter()

    def __call__(self, call: AwsCall) -> Fault | None:
        document = json.loads(json.loads(call.parameters["Message"])["sqs"])
        event_id = document["event"]["id"]
        number = self.numbers.get(event_id)
        if number is None:
            return None
        if number % 20 == POISON:
            return None if self.mended else INVALID
        if number % 20 in PASSING and self.failures[event_id] <= number % 3:
            self.failures[event_id] += 1
            return BROKEN if number % 2 else THROTTLED
        return None


def enqueue(stack: LocalStack, events: list[dict[str, Any]]) -> None:
    sqs, url = stack.client("sqs"), stack.status["queues"]["notifications"]["url"]
    for start in range(0, len(events), 10):
        entries = [
            {"Id": str(number), "MessageBody": from_the_bus(event)}
            for number, event in enumerate(events[start : start + 10])
        ]
        assert not sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed")


def letters(stack: LocalStack, tenant: str) -> dict[str, str]:
    """Look at the dead letters of a tenant: event → reason. They stay where they are."""
    sqs, url = stack.client("sqs"), stack.status["queues"]["notifications_dead_letters"]["url"]
    found: dict[str, str] = {}
    seen: list[str] = []
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=60,
        MessageAttributeNames=["Reason"],
    ).get("Messages"):
        for message in messages:
            seen.append(message["ReceiptHandle"])
            # Letters of others need not even be JSON.
            if tenant in message["Body"]:
                event = json.loads(message["Body"])["detail"]
                assert event["id"] not in found, "two letters of one event"
                found[event["id"]] = message["MessageAttributes"]["Reason"]["StringValue"]
    for handle in seen:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return found


@pytest.mark.timeout(600)
def test_poison_and_passing_failures_cost_no_event_and_repeat_none(stack: LocalStack) -> None:
    # Given
    tenant = f"t-{uuid4().hex[:12]}"
    events = [cloud_event(tenant=tenant) for _ in range(MESSAGES)]
    luck = BadLuck({event["id"]: number for number, event in enumerate(events)})
    poison = {event["id"] for number, event in enumerate(events) if number % 20 == POISON}
    passing = {event["id"] for number, event in enumerate(events) if number % 20 in PASSING}
    sound = luck.numbers.keys() - poison
    assert (len(sound), len(poison), len(passing)) == (950, 50, 100)

    with (
        subscribed(stack, tenant=[tenant]) as subscriber,
        faults_between(stack, "notification_sender", "SNS") as proxy,
    ):
        proxy.decide = luck

        # When
        enqueue(stack, events)

        # Then all others are told of once, and poison is set aside with its reason
        eventually(
            lambda: len(subscriber.heard()) >= 950, within=180, every=0.5, what="950 notifications"
        )
        eventually(lambda: letters(stack, tenant).keys() == poison, every=0.5, what="dead letters")
        assert subscriber.heard() == dict.fromkeys(sound, 1)
        assert luck.failures.keys() == passing
        for reason in letters(stack, tenant).values():
            assert reason.startswith("SNS refuses it: ")
            assert "InvalidParameter" in reason
            assert "injected by a test" in reason

        # When the cause is mended and the letters are sent back
        luck.mended = True
        redriven = redrive(f"payload.detail.tenant == '{tenant}'")

        # Then those are told of too, once, and nothing is left over
        assert redriven["redriven"] == 50
        eventually(
            lambda: len(subscriber.heard()) >= 1000,
            within=120,
            every=0.5,
            what="1,000 notifications",
        )
        assert subscriber.heard() == dict.fromkeys(luck.numbers, 1)
        assert letters(stack, tenant) == {}


def redrive(condition: str) -> dict[str, Any]:
    """Redrive letters as an operator would, and return what was reported."""
    command = [*ITEMSTREAM, *("dlq", "redrive", "notifications", "--yes", "--json")]
    shown = subprocess.run(
        [*command, "--filter", condition],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return dict(json.loads(shown.stdout))
