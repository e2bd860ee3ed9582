"""What an event costs on its way into the log and onto the bus, beside the naive ways.

Beside the log's transactions of up to 49 events stand one transaction for each event, which
promises the same, and one put for each event with a number from a counter, which promises neither
order nor once. Beside ten entries a call stands one. AWS calls are what is billed and what takes
its time; the clock is the local AWS's.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks.local_tables import local_tables
from benchmarks.measure import Comparison, console, interleaved
from itemstream.dynamodb.attribute_values import to_item
from itemstream.events import Event
from itemstream.events.dynamodb import DynamoLogWriter, LogWriterSettings
from itemstream.events.envelope import sequence_text
from itemstream.events.eventbridge import BusSettings, EventBridgeBus
from itemstream.items.content import ItemContent
from itemstream.items.model import Item, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable


BATCH = 100
TENANTS = 2
LOG, BUS = "Events into the log", "Events onto the bus"
CALLS, CPU, CLOCK = "AWS calls per event", "ms of CPU per event", "ms on the local AWS per event"
UNITS = (CALLS, CPU, CLOCK)
OURS = "ours"
ONE_TRANSACTION = "transaction-each"
ONE_PUT = "put-each"
ONE_ENTRY = "entry-a-call"

_number = count(1)


class CountingClient:
    """An AWS client that counts its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            return getattr(self._client, name)(**arguments)

        return call


def main(rounds: int = 7) -> None:
    """Measure and report."""
    with local_tables() as endpoint:
        dynamodb, bridge = (CountingClient(_client(s, endpoint)) for s in ("dynamodb", "events"))
        _make_events_table(dynamodb)
        bridge.create_event_bus(Name="events")
        log = DynamoLogWriter(dynamodb, LogWriterSettings("events", "idempotency", 24))
        compare(
            LOG,
            {
                ONE_PUT: partial(measured, dynamodb, partial(put_each, dynamodb)),
                ONE_TRANSACTION: partial(measured, dynamodb, partial(append_each, dynamodb)),
                OURS: partial(measured, dynamodb, partial(append, log)),
            },
            floor=ONE_PUT,
            goals={CALLS: 0.05, CPU: 0.5, CLOCK: 0.8},
            rounds=rounds,
        )
        bus = EventBridgeBus(bridge, BusSettings("events"))
        compare(
            BUS,
            {
                ONE_ENTRY: partial(measured, bridge, partial(send_each, bus)),
                OURS: partial(measured, bridge, partial(send, bus)),
            },
            floor=ONE_ENTRY,
            goals={CALLS: 0.1, CPU: 0.5, CLOCK: 0.8},
            rounds=rounds,
        )


def compare(
    title: str,
    ways: dict[str, Callable[[], dict[str, float]]],
    *,
    floor: str,
    goals: dict[str, float],
    rounds: int,
) -> None:
    """Measure ways in turn, and report what an event costs in each unit."""
    figures: dict[str, dict[str, list[float]]] = {
        unit: {name: [] for name in ways} for unit in UNITS
    }

    def measure(name: str) -> float:
        taken = ways[name]()
        for unit, figure in taken.items():
            figures[unit][name].append(figure)
        return taken[CLOCK]

    candidates = {name: partial(measure, name) for name in ways}
    interleaved(Comparison(title, CLOCK, floor), candidates, rounds)
    for unit in UNITS:
        goal = {OURS: goals[unit]}
        Comparison(f"{title}, {unit}", unit, floor, goal, samples=figures[unit]).report()
    for name, clock in figures[CLOCK].items():
        console.print(f"{name}: {1000 / statistics.median(clock):.0f} events a second")


def measured(client: CountingClient, publish: Callable[[list[Event]], None]) -> dict[str, float]:
    """Publish a batch of new events; return what one of them took."""
    events = [new_event(f"tenant-{number % TENANTS}") for number in range(BATCH)]
    client.calls = 0
    clock, cpu = time.perf_counter(), time.process_time()
    publish(events)
    return {
        CALLS: client.calls / BATCH,
        CPU: (time.process_time() - cpu) * 1000 / BATCH,
        CLOCK: (time.perf_counter() - clock) * 1000 / BATCH,
    }


def new_event(tenant: str) -> Event:
    """Make an event of usual size, about 1 KB."""
    now = datetime.now(UTC)
    content = ItemContent(name="Oak table", description="Seats eight. " * 20).document()
    item = Item.create(tenant, content, created_by="bench", now=now)
    event_id = f"{item.id}:1:item.created:{next(_number)}"
    return Event("item.created", event_id, tenant, item.id, timestamp(now), item.document)


def append(log: DynamoLogWriter, events: list[Event]) -> None:
    """Append as the publisher does: tenant by tenant."""
    tenants: dict[str, list[Event]] = {}
    for event in events:
        tenants.setdefault(event.tenant, []).append(event)
    for tenant, its_events in tenants.items():
        log.append(tenant, its_events)


def append_each(client: Any, events: list[Event]) -> None:
    """Read the head and write a transaction, event by event."""
    for event in events:
        settings = LogWriterSettings("events", "idempotency", 24)
        DynamoLogWriter(client, settings).append(event.tenant, [event])


def put_each(client: Any, events: list[Event]) -> None:
    """Take a number and put, event by event, as one would without thinking of crashes."""
    for event in events:
        answer = client.update_item(
            TableName="events",
            Key={"pk": {"S": f"counter#{event.tenant}"}, "sk": {"S": "counter"}},
            UpdateExpression="ADD #next :one",
            ExpressionAttributeNames={"#next": "next"},
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        place = int(answer["Attributes"]["next"]["N"])
        row = {
            "pk": f"naive#{event.tenant}",
            "sk": sequence_text(place),
            "event": event.document(place),
        }
        client.put_item(TableName="events", Item=to_item(row))


def send(bus: EventBridgeBus, events: list[Event]) -> None:
    """Send as the router does: a batch at a time."""
    bus.send([event.document(place) for place, event in enumerate(events, 1)])


def send_each(bus: EventBridgeBus, events: list[Event]) -> None:
    """Send event by event."""
    for place, event in enumerate(events, 1):
        bus.send([event.document(place)])


def _client(service: Any, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _make_events_table(client: Any) -> None:
    client.create_table(
        TableName="events",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
    )


if __name__ == "__main__":
    main()
