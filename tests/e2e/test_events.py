"""The change log and the bus, from the API to whoever listens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from itemstream.dynamodb.attribute_values import to_attribute_value
from itemstream.events.dynamodb import DynamoLogReader, LogReaderSettings
from itemstream.items.shards import shard_of
from tests.event_contract import assert_valid_event
from tests.fakes.events import IMAGE
from tests.fakes.pictures import png
from tests.listeners import listening
from tests.subscribers import subscribed
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.events.log import LoggedEvent
    from tests.local_stack import Caller, LocalStack


def log_of(stack: LocalStack) -> DynamoLogReader:
    return DynamoLogReader(stack.client("dynamodb"), LogReaderSettings(stack.table("events")))


def logged(stack: LocalStack, tenant: str, count: int) -> list[LoggedEvent]:
    """Return the tenant's log as soon as it has so many events; it is dense."""
    log = log_of(stack)
    eventually(lambda: log.last(tenant) >= count, within=60, what=f"{count} events in the log")
    found: list[LoggedEvent] = []
    while page := log.read(tenant, after=len(found), limit=100):
        found += page
    assert [event.sequence for event in found] == list(range(1, len(found) + 1))
    assert len(found) == count
    return found


def types(events: list[LoggedEvent]) -> list[str]:
    return [event.document["type"] for event in events]


def test_an_items_life_is_in_the_log_in_order(stack: LocalStack, caller: Caller) -> None:
    # When
    item = caller.created(name="Oak table", quantity=1)
    replaced = caller.put(item["id"], {"name": "Ash table", "quantity": 1}, '"1"').json()
    caller.put(item["id"], {"name": "Ash table", "quantity": 1}, '"2"')
    caller.delete(item["id"], '"3"')

    # Then
    events = logged(stack, caller.tenant, 4)
    assert types(events) == ["item.created", "item.updated", "item.updated", "item.deleted"]
    documents = [event.document for event in events]
    assert [document["id"] for document in documents] == [
        f"{item['id']}:1:item.created",
        f"{item['id']}:2:item.updated",
        f"{item['id']}:3:item.updated",
        f"{item['id']}:3:item.deleted",
    ]
    assert documents[0]["data"] == item
    assert documents[1]["data"] == {**replaced, "changed": ["name"]}
    assert documents[2]["data"]["changed"] == []
    assert documents[3]["data"] == {"id": item["id"], "version": 3}
    assert {event.topic for event in events} == {"items"}


def test_many_writers_make_one_dense_log(
    stack: LocalStack, make_caller: Callable[..., Caller]
) -> None:
    # Given items in all shards, which several publishers read side by side
    callers = [make_caller() for _ in range(2)]
    items = {caller.tenant: [caller.created() for _ in range(12)] for caller in callers}

    # When each is replaced again and again, all at once
    def replace(caller: Caller, item: dict[str, Any]) -> None:
        for version in (1, 2, 3):
            caller.put(item["id"], {"name": f"Version {version + 1}"}, f'"{version}"')

    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda pair: replace(*pair), [(c, i) for c in callers for i in items[c.tenant]]
            )
        )

    # Then each item's versions are there once, in order
    for caller in callers:
        events = logged(stack, caller.tenant, 48)
        for item in items[caller.tenant]:
            versions = [
                event.document["data"]["version"]
                for event in events
                if event.document["subject"] == item["id"]
            ]
            assert versions == [1, 2, 3, 4]


def test_what_is_on_the_bus_is_as_the_committed_schemas_say(
    stack: LocalStack, caller: Caller
) -> None:
    with listening(stack, caller.tenant) as listener:
        # When an item, two pictures of it and a call have come and gone
        item = caller.created(
            name="Größe 40 ✓", category="shoes", price={"amount": 100, "currency": "EUR"}
        )
        upload(caller, item["id"], png(300, 200))
        listener.hears(2)
        upload(caller, item["id"], b"this is no picture")
        listener.hears(3)
        caller.put(item["id"], {"name": "Size 41"}, "*")
        caller.delete(item["id"], "*")
        land(stack, caller.tenant)
        events = listener.hears(6)

    # Then
    for event in events:
        assert_valid_event(event)
    assert sorted(event["type"] for event in events) == [
        "call.recorded",
        "image.failed",
        "image.ready",
        "item.created",
        "item.deleted",
        "item.updated",
    ]
    # Then the bus says what the log says, and EventBridge's own fields fit
    assert events == [event.document for event in logged(stack, caller.tenant, 6)]
    for envelope in listener.envelopes:
        assert envelope["source"] == "itemstream"
        assert envelope["detail-type"] == envelope["detail"]["type"]


def test_an_item_too_large_for_the_bus_is_referred_to(stack: LocalStack, caller: Caller) -> None:
    # Given an item with as many images as there can be
    item = caller.created()
    picture(stack, caller, item["id"])
    content = {
        "name": "Large",
        "description": "😀" * 4000,
        "attributes": {f"{number:02d}" + "😀" * 60: "😀" * 1024 for number in range(50)},
    }
    with listening(stack, caller.tenant, type=["item.updated"]) as listener:
        # When its content gets as large as can be too
        large = caller.put(item["id"], content, "*").json()
        (event,) = listener.hears(1)

    # Then the event says where it is, and the log holds it whole
    assert_valid_event(event)
    assert "data" not in event
    assert caller.http.get(event["dataref"]).json() == large
    last = logged(stack, caller.tenant, 22)[-1]
    assert last.document["data"] == {**large, "changed": ["name", "description", "attributes"]}


def test_the_archive_can_be_replayed_and_nobody_is_notified_twice(
    stack: LocalStack, caller: Caller
) -> None:
    with (
        listening(stack, caller.tenant) as listener,
        subscribed(stack, tenant=[caller.tenant]) as subscriber,
    ):
        # Given events that were heard and notified of
        began = datetime.now(UTC) - timedelta(seconds=5)
        for number in range(3):
            caller.created(name=f"Item {number}")
        first = listener.hears(3)
        notified: list[dict[str, Any]] = []

        def notifications() -> bool:
            notified.extend(subscriber.take())
            return len(notified) >= 3

        eventually(notifications, within=60, what="notifications")

        # When
        client, name = stack.client("events"), f"replay-{uuid4().hex[:12]}"
        client.start_replay(
            ReplayName=name,
            EventSourceArn=stack.status["bus"]["archive_arn"],
            EventStartTime=began,
            EventEndTime=datetime.now(UTC) + timedelta(seconds=5),
            Destination={"Arn": stack.status["bus"]["arn"]},
        )

        # Then the same events come again: whoever knows their ids can drop them
        again = listener.hears(6, replay=name)
        assert len(again) == 6
        assert {event["id"] for event in again} == {event["id"] for event in first}
        eventually(
            lambda: client.describe_replay(ReplayName=name)["State"] == "COMPLETED",
            what="the end of the replay",
        )
        eventually(lambda: idle(stack), within=60, what="an empty queue")
        assert subscriber.take() == []
    # Then the log does not know of it
    assert len(logged(stack, caller.tenant, 3)) == 3


def test_the_log_can_be_read_again_from_any_position(stack: LocalStack, caller: Caller) -> None:
    # Given
    for number in range(5):
        caller.created(name=f"Item {number}")
    logged(stack, caller.tenant, 5)
    log = log_of(stack)

    # When, then
    assert [event.sequence for event in log.read(caller.tenant, after=3, limit=9)] == [4, 5]
    assert [event.sequence for event in log.read(caller.tenant, after=0, limit=2)] == [1, 2]
    assert log.read(caller.tenant, after=5, limit=9) == []


def upload(caller: Caller, item_id: str, body: bytes) -> None:
    asked = caller.http.post(f"items/{item_id}/images", json={"content_type": "image/png"})
    form = asked.json()["upload"]
    answer = httpx.post(form["url"], data=form["fields"], files={"file": ("a", body)}, timeout=30)
    assert answer.status_code == 204, answer.text


def picture(stack: LocalStack, caller: Caller, item_id: str) -> None:
    """Give an item twenty images as the image processor does."""
    images = []
    for number in range(20):
        rendition = {**IMAGE["renditions"][0], "key": f"images/{'k' * 150}"}
        images.append(
            {
                **IMAGE,
                "id": f"01a1fc6a-9e31-71b5-8c1e-{number:012d}",
                "placeholder": "data:image/webp;base64," + "A" * 1000,
                "renditions": [rendition] * 8,
            }
        )
    stack.client("dynamodb").update_item(
        TableName=stack.table("items"),
        Key={
            "pk": {"S": f"{caller.tenant}#{shard_of(item_id, 4)}"},
            "sk": {"S": item_id},
        },
        UpdateExpression="SET images = :images, version = version + :one",
        ExpressionAttributeValues={":images": to_attribute_value(images), ":one": {"N": "1"}},
    )


def land(stack: LocalStack, tenant: str) -> None:
    call = (
        '{"call_id":"call-1","client_id":"client-1","occurred_at":"2026-11-21T05:00:00Z",'
        '"method":"GET","path":"/orders/17","status_code":200,"duration_ms":12}'
    )
    stack.client("s3").put_object(
        Bucket=stack.status["buckets"]["landing"], Key=f"calls/{tenant}/one.jsonl", Body=call
    )


def idle(stack: LocalStack) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.status["queues"]["notifications"]["url"], AttributeNames=names
    )["Attributes"]
    return all(attributes[name] == "0" for name in names)
