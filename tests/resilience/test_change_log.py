"""The change log while its publishers and the bus's router die, hear errors, or stand still."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from itemstream.events.dynamodb import DynamoLogReader, LogReaderSettings
from tests.listeners import listening
from tests.resilience.faults import (
    ANSWER_LOST,
    BROKEN,
    THROTTLED,
    at_random,
    faults_between,
    killed_again_and_again,
)
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller, LocalStack

ITEMS = 20
CHANGES = 5


def last(stack: LocalStack, tenant: str) -> int:
    return log_of(stack).last(tenant)


def log_of(stack: LocalStack) -> DynamoLogReader:
    return DynamoLogReader(stack.client("dynamodb"), LogReaderSettings(stack.table("events")))


def logged(stack: LocalStack, tenant: str) -> list[dict[str, Any]]:
    """Return all events of a tenant; that they are dense is checked."""
    found: list[dict[str, Any]] = []
    while page := log_of(stack).read(tenant, after=len(found), limit=100):
        found += [event.document for event in page]
    assert [int(event["sequence"]) for event in found] == list(range(1, len(found) + 1))
    return found


def live_through(caller: Caller, number: int) -> list[dict[str, Any]]:
    """Make, change and delete an item; return what an undisturbed log says of it, in order."""
    item = caller.created(name=f"Item {number}")
    told = [event("item.created", item, item)]
    for version in range(2, CHANGES):
        content = {"name": f"Item {number}, version {version}"}
        item = caller.put(item["id"], content, f'"{version - 1}"').json()
        told.append(event("item.updated", item, {**item, "changed": ["name"]}))
    caller.delete(item["id"], f'"{item["version"]}"')
    told.append(event("item.deleted", item, {"id": item["id"], "version": item["version"]}))
    return told


def event(event_type: str, item: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{item['id']}:{item['version']}:{event_type}", "data": data}


def by_item(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return ids and data of events, item by item, in their order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in events:
        item_id = one["id"].partition(":")[0]
        found.setdefault(item_id, []).append({"id": one["id"], "data": one["data"]})
    return found


def change_items(callers: list[Caller]) -> dict[str, list[dict[str, Any]]]:
    """Let items of all callers live at once; return what is told of them, by tenant."""
    lives = [(caller, number) for number in range(ITEMS) for caller in callers]
    told: dict[str, list[dict[str, Any]]] = {caller.tenant: [] for caller in callers}
    with ThreadPoolExecutor(6) as pool:
        for (caller, _), events in zip(
            lives, pool.map(lambda life: live_through(*life), lives), strict=True
        ):
            told[caller.tenant] += events
    return told


def test_killed_publishers_and_failing_calls_leave_the_log_of_an_undisturbed_run(
    stack: LocalStack, make_caller: Callable[..., Caller]
) -> None:
    # Given three tenants, a DynamoDB that fails now and then, and publishers that die
    callers = [make_caller() for _ in range(3)]
    whole = ITEMS * CHANGES
    with (
        faults_between(stack, "change_publisher", "DYNAMODB") as proxy,
        killed_again_and_again(stack, "change_publisher", seed=4, pause=(1.5, 4)) as deaths,
    ):
        proxy.decide = at_random(0.2, THROTTLED, BROKEN, ANSWER_LOST, seed=4)

        # When they change 300 items' lives at once
        told = change_items(callers)
        eventually(
            lambda: all(last(stack, caller.tenant) >= whole for caller in callers),
            within=120,
            every=0.5,
            what="the whole log",
        )

    # Then there was bad luck indeed, and nothing shows of it
    assert len(deaths) >= 2
    assert sum(proxy.faults.values()) >= 3
    for caller in callers:
        events = logged(stack, caller.tenant)
        assert len(events) == whole
        assert by_item(events) == by_item(told[caller.tenant])


def test_every_event_reaches_the_bus_though_its_router_dies_and_calls_fail(
    stack: LocalStack, caller: Caller
) -> None:
    with listening(stack, caller.tenant) as listener:
        # Given
        with (
            faults_between(stack, "event_router", "EVENTBRIDGE") as proxy,
            killed_again_and_again(stack, "event_router", seed=5, pause=(1.5, 4)) as deaths,
        ):
            proxy.decide = at_random(0.2, THROTTLED, BROKEN, ANSWER_LOST, seed=5)

            # When
            told = change_items([caller])[caller.tenant]
            wanted = {one["id"] for one in told}
            eventually(
                lambda: {one["id"] for one in listener.listen()} >= wanted,
                within=120,
                every=0.2,
                what="every event",
            )

        # Then some came twice; who drops repeats by their ids has the log
        assert deaths
        assert proxy.faults
        heard = {one["id"]: one for one in listener.listen()}
        in_order = sorted(heard.values(), key=lambda one: str(one["sequence"]))
        assert in_order == logged(stack, caller.tenant)


def test_a_publisher_that_stood_still_catches_up_in_order(
    stack: LocalStack, caller: Caller
) -> None:
    # Given a mapping that is switched off
    client = stack.client("lambda")
    mapping = stack.status["event_source_mappings"]["change_publisher/items"]["uuid"]

    def switch(on: bool) -> None:
        client.update_event_source_mapping(UUID=mapping, Enabled=on)
        state = "Enabled" if on else "Disabled"
        eventually(
            lambda: client.get_event_source_mapping(UUID=mapping)["State"] == state, what=state
        )

    switch(False)
    try:
        # When
        told = change_items([caller])[caller.tenant]
        assert last(stack, caller.tenant) == 0
    finally:
        switch(True)

    # Then
    eventually(lambda: last(stack, caller.tenant) >= len(told), within=60, what="the whole log")
    assert by_item(logged(stack, caller.tenant)) == by_item(told)


def test_a_repeated_a_reordered_and_a_week_old_record_change_nothing(
    stack: LocalStack, caller: Caller
) -> None:
    # Given an item's changes as they came by its stream
    told = live_through(caller, 1)
    eventually(lambda: last(stack, caller.tenant) >= len(told), what="the log")
    before = logged(stack, caller.tenant)
    records = stream_records(stack, caller.tenant)
    assert len(records) == len(told)
    a_week = 7 * 24 * 3600
    old = [
        {
            **record,
            "dynamodb": {
                **record["dynamodb"],
                "ApproximateCreationDateTime": record["dynamodb"]["ApproximateCreationDateTime"]
                - a_week,
            },
        }
        for record in records
    ]

    # When they come again, in any order and at any time
    for batch in (records, records[::-1], [records[3], records[0]], [records[1]] * 3, old):
        assert publish(stack, batch) == {"batchItemFailures": []}

    # Then
    assert logged(stack, caller.tenant) == before

    # When the log itself has forgotten them
    for one in before:
        stack.client("dynamodb").delete_item(
            TableName=stack.table("events"),
            Key={"pk": {"S": caller.tenant}, "sk": {"S": one["sequence"]}},
        )
    assert publish(stack, old) == {"batchItemFailures": []}

    # Then there is nothing new
    assert last(stack, caller.tenant) == len(before)
    assert log_of(stack).read(caller.tenant, after=len(before), limit=10) == []


def publish(stack: LocalStack, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Hand records to the publisher, as Lambda does."""
    answer = stack.client("lambda").invoke(
        FunctionName=f"{stack.function('change_publisher')}:live",
        Payload=json.dumps({"Records": records}),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    return dict(json.loads(answer["Payload"].read()))


def stream_records(stack: LocalStack, tenant: str) -> list[dict[str, Any]]:
    """Read the changes of a tenant's items from the table's stream, as Lambda hands them over."""
    streams = stack.client("dynamodbstreams")
    arn = stack.client("dynamodb").describe_table(TableName=stack.table("items"))["Table"][
        "LatestStreamArn"
    ]
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            found += [
                as_lambda_has_it(record, arn)
                for record in answer["Records"]
                if record["dynamodb"]["Keys"]["pk"]["S"].startswith(f"{tenant}#")
            ]
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    return found


def as_lambda_has_it(record: dict[str, Any], arn: str) -> dict[str, Any]:
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": change, "eventSourceARN": arn}
