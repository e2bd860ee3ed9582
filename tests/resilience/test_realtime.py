"""Sockets that drop, die and stall, senders that are killed: nobody misses an event."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.local_stack import EVERY_SCOPE
from tests.resilience.faults import (
    BROKEN,
    THROTTLED,
    AwsCall,
    Fault,
    at_random,
    faults_on_the_way_to_sockets,
    hidden_for,
    kill,
    killed_again_and_again,
    variables_of,
)
from tests.sockets import connected, first_seen, rows_of_connections
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller, LocalStack
    from tests.sockets import Socket

SCOPES = f"{EVERY_SCOPE} realtime:connect"
START = "0" * 20
# Each waits for conditions of its own, longer on a busy machine.
pytestmark = pytest.mark.timeout(500)


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid4().hex[:12]}"


@pytest.fixture
def token(sign: Callable[..., str], tenant: str) -> str:
    return sign(tenant=tenant, scope=SCOPES)


@pytest.fixture
def writer(make_caller: Callable[..., Caller], tenant: str) -> Caller:
    return make_caller(tenant, SCOPES)


def log_of(stack: LocalStack, tenant: str) -> list[dict[str, Any]]:
    """Return sequence and subject of each event in a tenant's log."""
    pages = stack.client("dynamodb").get_paginator("query")
    return [
        {"sequence": row["sk"]["S"], "subject": row["subject"]["S"]}
        for page in pages.paginate(
            TableName=stack.table("events"),
            KeyConditionExpression="pk = :tenant",
            ExpressionAttributeValues={":tenant": {"S": tenant}},
            ConsistentRead=True,
        )
        for row in page["Items"]
    ]


def log_is_complete(stack: LocalStack, tenant: str, number: int) -> list[dict[str, Any]]:
    log = log_of(stack, tenant)
    return log if len(log) >= number else []


def create(writer: Caller, name: str) -> None:
    """Create an item, trying again as long as the machine is too busy."""
    key = uuid4().hex
    eventually(
        lambda: writer.create({"name": name}, Idempotency_Key=key).status_code == 201,
        within=60,
        every=0.5,
        what=f"creation of {name}",
    )


@dataclass
class Journey:
    """What all travellers share: whether writing is over, and up to where they have to hear."""

    over: Event = field(default_factory=Event)
    last: dict[str, str] = field(default_factory=dict)
    patience: float = 90


@dataclass
class Traveller:
    """A client that loses its connection again and again, and comes back with its cursors."""

    topics: list[str]
    seed: int
    cursors: dict[str, str] = field(default_factory=dict)
    heard: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    connections: int = 0

    def travel(self, stack: LocalStack, token: str, journey: Journey) -> None:
        chance = random.Random(self.seed)
        while not journey.over.is_set():
            with connected(stack, token, patient=True) as socket:
                self._arrive(socket)
                leaves_at = time.monotonic() + chance.uniform(1, 16)
                while time.monotonic() < leaves_at and not journey.over.wait(0.05):
                    socket.hear()
                self._remember(socket)
                if chance.random() < 0.5:
                    socket.cut()
        with connected(stack, token, patient=True) as socket:
            self._arrive(socket)
            home_by = time.monotonic() + journey.patience
            while not self._knows(socket, journey.last) and time.monotonic() < home_by:
                time.sleep(0.1)
            self._remember(socket)

    def _arrive(self, socket: Socket) -> None:
        self.connections += 1
        for topic in self.topics:
            socket.subscribe(topic, after=self.cursors.get(topic, START))

    def _knows(self, socket: Socket, last: dict[str, str]) -> bool:
        return all(
            max([self.cursors.get(topic, START), *(e["sequence"] for e in socket.events(topic))])
            >= last[topic]
            for topic in self.topics
        )

    def _remember(self, socket: Socket) -> None:
        for topic in self.topics:
            events = socket.events(topic)
            self.heard.setdefault(topic, []).extend(events)
            for event in events:
                self.cursors[topic] = max(self.cursors.get(topic, START), event["sequence"])


def test_fifty_clients_that_drop_and_come_back_miss_nothing(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    # Given fifty clients, and items that all or some of them watch
    watched = [writer.created(name=f"Item {number}")["id"] for number in range(5)]
    journey = Journey()
    travellers = [
        Traveller(["items", f"items/{watched[number % 5]}"], seed=number) for number in range(50)
    ]

    # When for a minute items are written while clients come and go
    with ThreadPoolExecutor(len(travellers)) as pool:
        journeys = [
            pool.submit(traveller.travel, stack, token, journey) for traveller in travellers
        ]
        try:
            etags = dict.fromkeys(watched, '"1"')
            deadline = time.monotonic() + 60
            number = changes = 0
            while time.monotonic() < deadline:
                number += 1
                item = watched[number % 5]
                answer = writer.put(item, {"name": f"Name {number}"}, etags[item])
                etags[item] = (answer if answer.is_success else writer.get(item)).headers["etag"]
                changes += answer.is_success
                create(writer, f"New {number}")
                # The machine is small, and each write goes to more than fifty sockets.
                journey.over.wait(0.5)
            log = eventually(
                lambda: log_is_complete(stack, writer.tenant, 5 + number + changes),
                within=60,
                what="all events in the log",
            )
            journey.last["items"] = log[-1]["sequence"]
            for item in watched:
                of_item = [row["sequence"] for row in log if row["subject"] == item]
                journey.last[f"items/{item}"] = of_item[-1]
        finally:
            journey.over.set()
        for done in journeys:
            done.result()

    # Then each has seen every event of its topics, in order, with repeats only under the same id
    assert all(traveller.connections > 1 for traveller in travellers)
    assert sum(traveller.connections for traveller in travellers) > 120
    for traveller in travellers:
        for topic in traveller.topics:
            item = topic.partition("/")[2]
            wanted = [row["sequence"] for row in log if item in {"", row["subject"]}]
            assert first_seen(traveller.heard[topic]) == wanted, traveller.seed


def gone(stack: LocalStack, tenant: str) -> int:
    """Count subscribers of a tenant whose sockets the gateway has no longer."""
    gateway = stack.client("apigatewaymanagementapi")
    dead = 0
    for key in rows_of_connections(stack):
        if key.startswith(f"topic#{tenant}#"):
            try:
                gateway.get_connection(ConnectionId=key.rpartition(" ")[2])
            except gateway.exceptions.GoneException:
                dead += 1
    return dead


def test_dead_sockets_are_gone_after_one_broadcast(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    with ExitStack() as open_sockets, ThreadPoolExecutor(20) as pool:
        # Given 200 sockets
        sockets = list(
            pool.map(lambda _: open_sockets.enter_context(connected(stack, token)), range(200))
        )
        list(pool.map(lambda socket: socket.subscribe("items"), sockets))

        def subscriptions() -> int:
            return sum(f"topic#{writer.tenant}#" in key for key in rows_of_connections(stack))

        assert subscriptions() == 200

        # When every fifth is cut off without a close, of which nobody is told
        with variables_of(stack, "disconnect", {"CONNECTIONS_TABLE": "none"}):
            for socket in sockets[::5]:
                socket.cut()
            eventually(lambda: gone(stack, writer.tenant) == 40, within=60, what="the cuts")
            assert subscriptions() == 200
            item = writer.created()

            # Then all others hear of one item, and nothing is left of the dead
            alive = [socket for number, socket in enumerate(sockets) if number % 5]
            for socket in alive:
                socket.event("items", "item.created", item["id"])
            eventually(lambda: subscriptions() == 160, what="rows of the dead to go")


def test_a_broadcaster_that_is_killed_in_the_middle_repeats_and_loses_nothing(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    with ExitStack() as open_sockets:
        # Given
        sockets = [open_sockets.enter_context(connected(stack, token)) for _ in range(10)]
        cursors = [int(socket.subscribe("items")) for socket in sockets]
        deaths: list[int] = []

        def die_in_the_middle(call: AwsCall) -> Fault | None:
            # Each time some of the ten have the frame and some have not.
            if len(deaths) < 4 and proxy.calls["PostToConnection"] >= 7 + 25 * len(deaths):
                deaths.append(kill(stack, "broadcaster"))
                return BROKEN
            return None

        # When
        with faults_on_the_way_to_sockets(stack, "broadcaster") as proxy:
            proxy.decide = die_in_the_middle
            for number in range(60):
                create(writer, f"Item {number}")

            # Then each hears of all, in order, and some of something twice
            for socket, cursor in zip(sockets, cursors, strict=True):
                hears_all(socket, cursor, 60, within=300)
            assert len(deaths) == 4
            assert any(
                len(socket.events("items")) > len(first_seen(socket.events("items")))
                for socket in sockets
            )


def hears_all(socket: Socket, cursor: int, last: int, within: float = 180) -> None:
    """Wait for every event after a cursor, in order, repeats left out."""
    eventually(
        lambda: len(first_seen(socket.events("items"))) >= last - cursor,
        within=within,
        every=0.5,
        what=f"events {cursor + 1} to {last}",
    )
    sequences = [int(sequence) for sequence in first_seen(socket.events("items"))]
    assert sequences == list(range(cursor + 1, last + 1))


def test_what_cannot_be_sent_for_a_minute_arrives_after_it(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    with ExitStack() as open_sockets:
        # Given
        sockets = [open_sockets.enter_context(connected(stack, token)) for _ in range(10)]
        cursors = [int(socket.subscribe("items")) for socket in sockets]
        outage_ends = time.monotonic() + 60

        def decide(call: AwsCall) -> Fault | None:
            if call.operation == "PostToConnection" and time.monotonic() < outage_ends:
                return BROKEN
            return None

        with faults_on_the_way_to_sockets(stack, "broadcaster", "replayer") as proxy:
            # When nothing can be posted
            proxy.decide = decide
            for number in range(30):
                create(writer, f"Item {number}")
            eventually(lambda: proxy.faults["InternalServerError"] >= 10, within=60)
            assert all(socket.events("items") == [] for socket in sockets)

            # Then it is late, and all there, in order, as soon as it can be
            for socket, cursor in zip(sockets, cursors, strict=True):
                hears_all(socket, cursor, 30)
            assert time.monotonic() >= outage_ends


def test_posts_that_fail_at_random_cost_nobody_an_event(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    with ExitStack() as open_sockets:
        # Given
        sockets = [open_sockets.enter_context(connected(stack, token)) for _ in range(20)]
        cursors = [int(socket.subscribe("items")) for socket in sockets]

        # When
        with faults_on_the_way_to_sockets(stack, "broadcaster", "replayer") as proxy:
            proxy.decide = at_random(0.4, BROKEN, THROTTLED, seed=7)
            for number in range(60):
                create(writer, f"Item {number}")

            # Then
            for socket, cursor in zip(sockets, cursors, strict=True):
                hears_all(socket, cursor, 60, within=300)
            assert proxy.faults.total() > 20


def test_a_large_topic_is_sent_by_shards_and_in_order(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    with ExitStack() as open_sockets:
        # Given a topic that counts as large
        open_sockets.enter_context(
            variables_of(stack, "broadcaster", {"LARGE_TOPIC_SUBSCRIBERS": "10"})
        )
        # … whose dead senders are missed for seconds instead of minutes
        open_sockets.enter_context(hidden_for(stack, "topic_deliveries", seconds=10))
        sockets = [open_sockets.enter_context(connected(stack, token)) for _ in range(25)]
        cursors = [int(socket.subscribe("items")) for socket in sockets]

        # When, while its senders are killed
        with killed_again_and_again(stack, "topic_sender", seed=9, pause=(0.5, 2.5)) as deaths:
            for number in range(60):
                create(writer, f"Item {number}")
            eventually(lambda: sum(deaths) >= 2, within=60, what="deaths of senders")

        # Then
        for socket, cursor in zip(sockets, cursors, strict=True):
            hears_all(socket, cursor, 60, within=300)
        topic = stack.client("dynamodb").get_item(
            TableName=stack.table("connections"),
            Key={"pk": {"S": f"topics#{writer.tenant}"}, "sk": {"S": "items"}},
        )["Item"]
        assert topic["large"]["BOOL"]
