"""What subscribers hear of a change, from the API to their queue."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.fakes.notified_events import cloud_event, from_the_bus
from tests.subscribers import subscribed
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import Caller, LocalStack


def lines_about(stack: LocalStack, event: dict[str, Any]) -> list[str]:
    """Return what the sender says of an event in its log, in order."""
    pages = (
        stack.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=f"/aws/lambda/{stack.function('notification_sender')}",
            startTime=int((time.time() - 300) * 1000),
        )
    )
    found = [entry["message"] for page in pages for entry in page["events"]]
    return [json.loads(line)["message"] for line in found if f'"{event["id"]}"' in line]


def enqueue(stack: LocalStack, *events: dict[str, Any]) -> None:
    for event in events:
        stack.client("sqs").send_message(
            QueueUrl=stack.status["queues"]["notifications"]["url"], MessageBody=from_the_bus(event)
        )


def test_a_subscriber_hears_of_an_item_once(stack: LocalStack, caller: Caller) -> None:
    with subscribed(stack, tenant=[caller.tenant]) as subscriber:
        # When
        item = caller.created(name="<img src=x> Größe")

        # Then
        (message,) = eventually(subscriber.take, within=60, what="a notification")
        document = json.loads(message["Message"])
        assert message["Subject"] == document["subject"] == "Item created: <img src=x> Grosse"
        assert document["event"]["type"] == "item.created"
        assert document["event"]["data"]["id"] == item["id"]
        assert "<img src=x> Größe" in document["text"]
        assert "&lt;img src=x&gt; Größe" in document["html"]
        assert "<img" not in document["html"]
        attributes = {name: said["Value"] for name, said in message["MessageAttributes"].items()}
        assert attributes == {"tenant": caller.tenant, "type": "item.created", "severity": "info"}

        # When the same event comes again
        enqueue(stack, document["event"], document["event"])

        # Then
        said = ["published", "published before", "published before"]
        eventually(
            lambda: lines_about(stack, document["event"]) == said, within=60, what="both repeats"
        )
        assert subscriber.take() == []


def test_subscribers_choose_what_they_hear(stack: LocalStack) -> None:
    # Given
    tenant = f"t-{uuid4().hex[:12]}"
    events = [
        cloud_event(event_type, tenant=tenant)
        for event_type in ("item.deleted", "image.failed", "image.ready")
    ]
    with (
        subscribed(stack, tenant=[tenant]) as everything,
        subscribed(stack, tenant=[tenant], severity=["warning"]) as warnings,
        subscribed(stack, tenant=[tenant], type=["item.deleted"]) as deletions,
        subscribed(stack, tenant=["somebody-else"]) as other,
    ):
        # When
        enqueue(stack, *events)

        # Then
        deleted, failed, ready = (event["id"] for event in events)
        eventually(lambda: everything.heard() == {deleted: 1, failed: 1, ready: 1}, within=60)
        eventually(lambda: warnings.heard() == {failed: 1})
        eventually(lambda: deletions.heard() == {deleted: 1})
        assert other.heard() == {}


def test_an_event_that_nobody_has_words_for_is_a_dead_letter_with_its_reason(
    stack: LocalStack,
) -> None:
    # Given
    event = cloud_event("item.exploded", tenant=f"t-{uuid4().hex[:12]}")
    sqs = stack.client("sqs")
    url = stack.status["queues"]["notifications_dead_letters"]["url"]

    # When
    enqueue(stack, event)

    # Then
    def letter() -> dict[str, Any] | None:
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=1,
            MessageAttributeNames=["All"],
        )
        found = [m for m in messages.get("Messages", []) if event["id"] in m["Body"]]
        return found[0] if found else None

    found = eventually(letter, within=60, what="a dead letter")
    assert found is not None
    said = {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}
    assert said["Reason"] == "there is no notification of events of type item.exploded"
    assert said["Function"] == stack.function("notification_sender")
    assert said["Kind"] == "queue-message"
    assert json.loads(found["Body"])["detail"] == event
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
