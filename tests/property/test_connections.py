"""Rows of connections, subscriptions and leases follow their model, whoever comes between.

The model is the ports in memory, where every operation is one step. In DynamoDB most take several
calls: Hypothesis has another operation come between two of them, or the caller die there. Whatever
happens, it must look as if one had come after the other.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dynamodb.attribute_values import from_item
from itemstream.realtime import dynamodb
from itemstream.realtime.connections import (
    Connection,
    ConnectionChanged,
    ConnectionGone,
    Subscription,
    TooManyTopics,
)
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.leases import LEASE_SECONDS, LeaseLost, ReplayLease, ShardLease
from itemstream.realtime.leases_dynamodb import DynamoReplayLeases, DynamoShardLeases
from itemstream.realtime.rows_dynamodb import ConnectionsTable
from itemstream.realtime.subscriptions_dynamodb import DynamoSubscriptions
from tests.fakes import realtime
from tests.fakes.connections import CALLS, ITEMS, NOW, a_connection, an_item
from tests.fakes.realtime import (
    InMemoryConnections,
    InMemoryReplayLeases,
    InMemoryShardLeases,
    InMemorySubscriptions,
    RealtimeRows,
    _Doings,
)

if TYPE_CHECKING:
    from collections.abc import Callable


TENANTS = ["acme", "other"]
TOPICS = [ITEMS, CALLS, an_item(1)]
MOST_TOPICS = 2
MESSAGES = ["m1", "m2"]
SHARD = ("acme", "items", 0)
# A change of their number moves a connection's subscriptions from one to the other.
SHARDS = [0, 1]
ENDS = [NOW + 600, NOW + 1200]
POSITIONS = st.integers(0, 9)
REMEMBERED = 4
REFUSALS = (ConnectionChanged, ConnectionGone, LeaseLost, TooManyTopics)

NOTHING_DONE = _Doings()

Outcome = Any


class Died(BaseException):
    """The process is gone where this is raised."""


class Stepping:
    """A DynamoDB client that lets something happen before one of the calls that are to come."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._calls_left = 0
        self._happens: Callable[[], None] | None = None

    def before_call(self, number: int, happens: Callable[[], None]) -> None:
        self._calls_left, self._happens = number, happens

    def nothing_more_happens(self) -> bool:
        """Tell whether it has happened."""
        happened, self._happens = self._happens is None, None
        return happened

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if self._happens:
                self._calls_left -= 1
                if self._calls_left == 0:
                    happens, self._happens = self._happens, None
                    happens()
            return getattr(self._client, name)(**arguments)

        return call


@dataclass
class World:
    """The ports, and the leases that were taken through them, by the operation that took them."""

    connections: Any
    subscriptions: Any
    replays: Any
    shards: Any
    leases: dict[int, Any]

    @classmethod
    def in_memory(cls, rows: RealtimeRows, leases: dict[int, Any]) -> World:
        return cls(
            InMemoryConnections(rows),
            InMemorySubscriptions(rows),
            InMemoryReplayLeases(rows),
            InMemoryShardLeases(rows),
            leases,
        )

    def copy(self) -> World:
        """Copy a world in memory."""
        rows = self.connections.rows
        copied = replace(
            rows,
            connections=dict(rows.connections),
            doings=deepcopy(rows.doings),
            subscriptions={shard: dict(held) for shard, held in rows.subscriptions.items()},
            topics=dict(rows.topics),
            deliveries=dict(rows.deliveries),
            leases=deepcopy(rows.leases),
        )
        return World.in_memory(copied, dict(self.leases))


@dataclass(frozen=True)
class Operation:
    """One call of a port; leases are named by the operation that took them."""

    number: int
    port: str
    name: str
    positional: tuple[Any, ...]
    named: dict[str, Any]
    lease: int | None = None

    def on(self, world: World) -> Outcome:
        positional = self.positional
        if self.lease is not None:
            lease = world.leases.get(self.lease)
            if lease is None:
                return "no lease"
            positional = (lease, *positional)
        try:
            returned = getattr(getattr(world, self.port), self.name)(*positional, **self.named)
        except REFUSALS as refusal:
            return type(refusal).__name__
        if self.name == "take":
            world.leases[self.number] = returned
        if isinstance(returned, ReplayLease):
            return returned.subscription
        if isinstance(returned, ShardLease):
            return returned.delivery
        return returned


class RowsAndTheirModel(RuleBasedStateMachine):
    tables = 0

    @initialize()
    def begin(self) -> None:
        client = aws_client("dynamodb")
        type(self).tables += 1
        self.table = f"connections-{self.tables}"
        client.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        self.now = NOW
        self.client = Stepping(client)
        table = ConnectionsTable(self.client, self.table, pause=lambda _: None)
        clock = lambda: self.now  # noqa: E731
        self.real = World(
            DynamoConnections(table, clock=clock),
            DynamoSubscriptions(table),
            DynamoReplayLeases(table, clock=clock),
            DynamoShardLeases(table, clock=clock),
            {},
        )
        self.model = World.in_memory(RealtimeRows(clock=clock), {})
        self.operations = 0
        # What callers have read at some time, and act on.
        self.connections: list[Connection] = []
        self.subscriptions: list[Subscription] = []
        self.connected = 0
        self.somebody_connects()

    @precondition(lambda self: not self.model.connections.rows.connections)
    @rule()
    def somebody_connects(self) -> None:
        tenant = TENANTS[self.connected % 2]
        self.do(
            self.operation("connections", "add", a_connection(f"c{self.connected}", tenant=tenant))
        )
        self.connected += 1

    def operation(
        self, port: str, name: str, *positional: Any, lease: int | None = None, **named: Any
    ) -> Operation:
        self.operations += 1
        return Operation(self.operations, port, name, positional, named, lease)

    def drawn(self, data: st.DataObject) -> Operation:
        """Draw what anybody may do, by what was read at some time."""
        draw = data.draw
        connection = draw(st.sampled_from(self.connections))
        topic = draw(st.sampled_from(TOPICS))
        kinds = ["remove", "unsubscribe", "count", "count_violation", "extend", "take shard"]
        kinds += ["subscribe", "renew"] * 3
        kinds += ["pass over", "fall behind", "take", "take"] * 3 if self.subscriptions else []
        kinds += ["large"] if self.model.connections.rows.topics else []
        replays = [n for n, lease in self.model.leases.items() if isinstance(lease, ReplayLease)]
        shards = [n for n, lease in self.model.leases.items() if isinstance(lease, ShardLease)]
        kinds += ["save", "save", "go live", "go live", "release"] if replays else []
        kinds += ["save page", "finish pass", "release shard"] if shards else []
        match draw(st.sampled_from(kinds)):
            case "remove":
                return self.operation("connections", "remove", connection.id)
            case "subscribe":
                # Often one that it has already: it may move.
                known = [one for one in TOPICS if one.name in connection.topics]
                topic, shard = draw(st.sampled_from([topic, *known])), draw(st.sampled_from(SHARDS))
                return self.operation(
                    "connections",
                    "subscribe",
                    connection,
                    topic,
                    shard,
                    shards=draw(st.integers(shard + 1, 4)),
                    after=draw(POSITIONS),
                    live=draw(st.booleans()),
                )
            case "unsubscribe":
                return self.operation("connections", "unsubscribe", connection, topic)
            case "renew":
                kept = draw(st.sets(st.sampled_from(sorted(connection.topics) or [""])))
                topics = {name: at for name, at in connection.topics.items() if name in kept}
                ends_at = draw(st.sampled_from(ENDS))
                return self.operation(
                    "connections", "renew", replace(connection, topics=topics, ends_at=ends_at)
                )
            case "count":
                return self.operation("connections", "count_message", connection.id, self.now)
            case "count_violation":
                return self.operation("connections", "count_violation", connection.id, self.now)
            case "pass over":
                subscription = draw(st.sampled_from(self.subscriptions))
                return self.operation("subscriptions", "skip", subscription, draw(POSITIONS))
            case "fall behind":
                subscription = draw(st.sampled_from(self.subscriptions))
                return self.operation("subscriptions", "fall_behind", subscription, draw(POSITIONS))
            case "large":
                tenant, name = draw(
                    st.sampled_from(sorted(self.model.connections.rows.topics.keys()))
                )
                return self.operation("subscriptions", "make_large", tenant, name, draw(POSITIONS))
            case "take":
                wanted = draw(st.sampled_from(self.subscriptions))
                return self.operation(
                    "replays",
                    "take",
                    wanted.connection_id,
                    wanted.tenant,
                    wanted.topic,
                    wanted.shard,
                    message_id=draw(st.sampled_from(MESSAGES)),
                )
            case "extend":
                after, events = draw(POSITIONS), draw(st.integers(1, 3))
                return self.operation("shards", "extend", *SHARD, after=after, until=after + events)
            case "take shard":
                large_after, message_id = draw(st.integers(0, 3)), draw(st.sampled_from(MESSAGES))
                return self.operation(
                    "shards", "take", *SHARD, large_after=large_after, message_id=message_id
                )
            case "save" | "go live" as kind:
                lease = draw(st.sampled_from(replays))
                name = kind.replace(" ", "_")
                return self.operation("replays", name, draw(POSITIONS), lease=lease)
            case "release":
                return self.operation("replays", "release", lease=draw(st.sampled_from(replays)))
            case "save page":
                lease = draw(st.sampled_from(shards))
                # Beyond what was sent to all: a pass has something to send.
                until = self.model.leases[lease].delivery.after + draw(st.integers(1, 3))
                return self.operation("shards", "save_page", "c0", until, lease=lease)
            case "finish pass":
                lease = draw(st.sampled_from(shards))
                after = self.model.leases[lease].delivery.after + draw(st.integers(0, 3))
                return self.operation("shards", "finish_pass", after, lease=lease)
            case _:
                return self.operation("shards", "release", lease=draw(st.sampled_from(shards)))

    @rule()
    def all_is_read(self) -> None:
        """By pages and by keys."""
        for number in range(self.connected):
            found = self.real.connections.find(f"c{number}")
            assert found == self.model.connections.find(f"c{number}")
            for tenant in TENANTS:
                for topic in TOPICS:
                    for shard in SHARDS:
                        wanted = (f"c{number}", tenant, topic.name, shard)
                        subscription = self.real.subscriptions.find(*wanted)
                        assert subscription == self.model.subscriptions.find(*wanted)
        for tenant in TENANTS:
            for topic in TOPICS:
                for shard in SHARDS:
                    page = self.real.subscriptions.page(tenant, topic.name, shard, None)
                    assert page == self.model.subscriptions.page(tenant, topic.name, shard, None)

    @rule(seconds=st.sampled_from([1, 30, LEASE_SECONDS]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(data=st.data())
    def something_is_done(self, data: st.DataObject) -> None:
        self.do(self.drawn(data))

    def do(self, operation: Operation) -> None:
        assert operation.on(self.real) == operation.on(self.model)

    @rule(data=st.data(), call=st.integers(1, 4))
    def something_comes_between(self, data: st.DataObject, call: int) -> None:
        # Given
        first, second = self.drawn(data), self.drawn(data)
        outcomes: dict[str, Outcome] = {}

        def between() -> None:
            outcomes["second"] = second.on(self.real)

        # When
        self.client.before_call(call, between)
        outcomes["first"] = first.on(self.real)
        if not self.client.nothing_more_happens():
            outcomes["second"] = second.on(self.real)

        # Then it looks as if one had come after the other
        possible = []
        for order in ([first, second], [second, first]):
            model = self.model.copy()
            expected = {("first" if one is first else "second"): one.on(model) for one in order}
            possible.append((model, expected))
        if outcomes["second"] == "ConnectionChanged" and first.name == "remove":
            # Or as if somebody else had changed what is about to go.
            model = self.model.copy()
            possible.append((model, {"first": first.on(model), "second": "ConnectionChanged"}))
        self.become(outcomes, possible)

    @rule(data=st.data(), call=st.integers(1, 4))
    def somebody_dies(self, data: st.DataObject, call: int) -> None:
        # Given
        operation = self.drawn(data)

        def die() -> None:
            raise Died

        # When
        self.client.before_call(call, die)
        outcome: Outcome = "died"
        try:
            outcome = operation.on(self.real)
        except Died:
            if operation.name == "remove":
                # Who removes a connection may die in between; the next one finishes it.
                outcome = operation.on(self.real)
        self.client.nothing_more_happens()

        # Then it was done, or it was not
        model = self.model.copy()
        expected = operation.on(model)
        if outcome == "died":
            self.become("died", [(self.model, "died"), (model, "died")])
        else:
            self.become(outcome, [(model, expected)])

    def remember(self) -> None:
        """Keep what callers may have read lately, to act on it a while later."""
        rows = self.model.connections.rows
        held = [one for shard in rows.subscriptions.values() for one in shard.values()]
        for memory, read in (
            (self.connections, rows.connections.values()),
            (self.subscriptions, held),
        ):
            # By identity: connections compare equal whatever their revision.
            memory += [one for one in read if all(one is not known for known in memory)]
            del memory[:-REMEMBERED]

    def become(self, outcome: Outcome, possible: list[tuple[World, Outcome]]) -> None:
        """Go on with the model that tells what happened."""
        there = self.rows()
        for model, expected in possible:
            if expected == outcome and _agree(there, _known(model)):
                self.model = model
                return
        raise AssertionError(f"{outcome}\n{there}\nis none of\n{possible}")

    @precondition(lambda self: not self.model.connections.rows.connections)
    @invariant()
    def nothing_is_left_of_who_is_gone(self) -> None:
        assert not self.rows()["subscriptions"]

    @invariant()
    def the_rows_are_those_of_the_model(self) -> None:
        self.remember()
        there, known = self.rows(), _known(self.model)
        assert _agree(there, known), f"{there}\nis not\n{known}"

    def rows(self) -> dict[str, Any]:
        """What the table holds, read without our adapters."""
        found: dict[str, Any] = {
            kind: {}
            for kind in (
                "connections",
                "doings",
                "subscriptions",
                "topics",
                "shards",
                "deliveries",
                "leases",
            )
        }
        items = aws_client("dynamodb").scan(TableName=self.table)["Items"]
        for row in map(from_item, items):
            kind, *rest = row["pk"].split("#")
            lease = (
                _taken_by(self.real, row.get("lease")),
                row.get("leased_by"),
                row.get("leased_until"),
            )
            match kind:
                case "connection":
                    found["connections"][rest[0]] = (row["ends_at"], row["topics"], row["revision"])
                    found["doings"][rest[0]] = _doings(
                        row["window"], row["messages"], row["violations_since"], row["violations"]
                    )
                case "topic":
                    key = (row["sk"], rest[0], rest[1], int(rest[2]))
                    found["subscriptions"][key] = (
                        row["state"],
                        row["after"],
                        row.get("skipped"),
                        row["ends_at"],
                    )
                    if row.get("lease"):
                        found["leases"][key] = lease
                case "topics":
                    found["topics"][rest[0], row["sk"]] = (row["large"], row.get("large_after"))
                    found["shards"][rest[0], row["sk"]] = row["shards"]
                case "delivery":
                    shard = (rest[0], rest[1], int(rest[2]))
                    found["deliveries"][shard] = (
                        row["after"],
                        row["until"],
                        row.get("page"),
                        row.get("pass_until"),
                    )
                    if row.get("lease"):
                        found["leases"][shard] = lease
        return found


def _known(model: World) -> dict[str, Any]:
    rows = model.connections.rows
    return {
        "connections": {
            connection_id: (one.ends_at, one.topics, one.revision)
            for connection_id, one in rows.connections.items()
        },
        "doings": {
            connection_id: _doings(one.second, one.messages, one.violations_since, one.violations)
            for connection_id in rows.connections
            for one in [rows.doings.get(connection_id, NOTHING_DONE)]
        },
        "subscriptions": {
            (one.connection_id, one.tenant, one.topic, one.shard): (
                one.state,
                one.after,
                one.skipped,
                one.ends_at,
            )
            for shard in rows.subscriptions.values()
            for one in shard.values()
        },
        "topics": {key: (one.large, one.large_after) for key, one in rows.topics.items()},
        "shards": {key: one.shards for key, one in rows.topics.items()},
        "deliveries": {
            key: (one.after, one.until, one.page, one.pass_until)
            for key, one in rows.deliveries.items()
        },
        "leases": {
            key: (_taken_by(model, one.token), one.message_id, one.until)
            for key, one in rows.leases.items()
        },
    }


def _doings(window: int, messages: int, violations_since: int, violations: int) -> tuple[Any, ...]:
    return messages and (window, messages), violations and (violations_since, violations)


def _taken_by(world: World, token: str | None) -> int | None:
    """Return the operation that took a lease; tokens are each world's own."""
    for number, lease in world.leases.items():
        if lease is not None and lease.token == token:
            return number
    return None


def _agree(there: dict[str, Any], known: dict[str, Any]) -> bool:
    # A topic's row is there, and names enough shards, before a subscriber comes, who may be refused
    # or never come.
    topics = {key: there["topics"].get(key) for key in known["topics"]}
    enough = all(there["shards"].get(key, 0) >= least for key, least in known["shards"].items())
    return enough and {**there, "topics": topics, "shards": known["shards"]} == known


@pytest.mark.timeout(500)
def test_rows_follow_their_model_whoever_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(dynamodb, "TOPICS_PER_CONNECTION", MOST_TOPICS)
    monkeypatch.setattr(realtime, "TOPICS_PER_CONNECTION", MOST_TOPICS)
    aws_client.cache_clear()
    with mock_aws():
        run_state_machine_as_test(
            RowsAndTheirModel,
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                # To shrink what fails would take longer, through moto, than a test may.
                phases=[Phase.explicit, Phase.reuse, Phase.generate],
            ),
        )
    aws_client.cache_clear()
