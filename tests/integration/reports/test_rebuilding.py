"""Rebuilding: from what DynamoDB (moto) keeps, into a real MySQL, to the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dynamodb.attribute_values import to_item
from itemstream.events import Event
from itemstream.events.dynamodb import DynamoLogWriter, LogWriterSettings
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from itemstream.items.shards import shard_of
from itemstream.reports import rebuilding_dynamodb
from itemstream.reports.projected_events import change_of, counted_call
from itemstream.reports.projection_mysql import MySqlProjection
from itemstream.reports.rebuilding import Order, Rebuilding
from itemstream.reports.rebuilding_dynamodb import DynamoKeptRecords, KeptRecordsSettings
from itemstream.reports.rebuilding_mysql import MySqlTables
from tests.fakes.events import call_row
from tests.fakes.item_histories import CHANGES, CURRENT, HOURS, ItemHistory
from tests.fakes.tables import EVENTS, IDEMPOTENCY, ITEMS, SILVER_CALL, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemstream.mysql.connection import Database

TENANTS = ("acme", "Acme")
Dump = list[list[tuple[Any, ...]]]


class World:
    """What the platform keeps in DynamoDB, its tables in MySQL, and who rebuilds them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.dynamodb = aws_client("dynamodb")
        self.log = DynamoLogWriter(self.dynamodb, LogWriterSettings(EVENTS, IDEMPOTENCY, 24))
        self.projection = MySqlProjection(database)
        items = DynamoItems(self.dynamodb, DynamoItemsSettings(ITEMS, 4))
        kept = DynamoKeptRecords(self.dynamodb, KeptRecordsSettings(EVENTS, SILVER_CALL), items)
        self.rebuilding = Rebuilding(kept, self.projection, MySqlTables(database), "canary")

    def lives(self, history: ItemHistory) -> None:
        """Let an item's life happen: kept, and projected live."""
        attributes = ("type", "id", "tenant", "subject", "time", "data")
        events = [Event(*(event[name] for name in attributes)) for event in history.events]
        self.log.append(history.tenant, events)
        if not history.deleted_at:
            pk = f"{history.tenant}#{shard_of(history.id, 4)}"
            row = to_item({**history.item, "pk": pk})
            self.dynamodb.put_item(TableName=ITEMS, Item=row)
        self.projection.add_changes([change_of(event) for event in history.events])

    def call(self, tenant: str, number: int) -> None:
        """Let a call be recorded: kept, and counted live."""
        call_id = f"call-{number}"
        row = call_row(
            pk=f"{tenant}#{call_id}",
            tenant=tenant,
            call_id=call_id,
            occurred_at=f"2026-11-21T{number % 24:02d}:00:01.000Z",
            duration_ms=number * 7,
        )
        self.dynamodb.put_item(TableName=SILVER_CALL, Item=to_item(row))
        self.projection.add_calls([counted_call(row)])

    def forget_events(self, tenant: str, until: int) -> None:
        """Let the log lose its first events, as their time passes."""
        for place in range(1, until + 1):
            key = {"pk": {"S": tenant}, "sk": {"S": f"{place:020d}"}}
            self.dynamodb.delete_item(TableName=EVENTS, Key=key)

    def ask(self, task: str, tenant: str = "", *, steps: int | None = None) -> int:
        """Do a task, each step of it as short as can be; return how many steps it took."""
        position, done = None, 0
        while steps is None or done < steps:
            order = Order.read({"task": task, "tenant": tenant, "position": position})
            step = self.rebuilding.step(order, lambda: False)
            assert step.reasons == []
            position, done = step.position, done + 1
            if position is None:
                break
        return done

    def answer(self, task: str, tenant: str = "") -> Any:
        return self.rebuilding.step(Order(task, tenant), lambda: True).answer

    def rebuild(self) -> None:
        for tenant in TENANTS:
            self.ask("events", tenant)
            self.ask("items", tenant)
        self.ask("calls")

    def empty(self) -> None:
        for tenant in TENANTS:
            self.ask("empty", tenant)

    def dump(self) -> Dump:
        return [list(self.database.rows(query)) for query in (CHANGES, CURRENT, HOURS)]


@pytest.fixture
def world(mariadb: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # Several pages of everything.
    for pages in ("EVENTS_PER_PAGE", "ITEMS_PER_PAGE", "CALLS_PER_PAGE"):
        monkeypatch.setattr(rebuilding_dynamodb, pages, 3)
    aws_client.cache_clear()
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield World(mariadb)
    aws_client.cache_clear()


@pytest.fixture
def histories(world: World) -> list[ItemHistory]:
    """Return seven lives that have happened, and calls."""
    lives = []
    for number in range(7):
        history = ItemHistory(TENANTS[number % 2], number)
        history.step("replace")
        if number % 3:
            history.step("image")
            history.step("failed image")
        if number > 4:
            history.delete()
        world.lives(history)
        lives.append(history)
    for number in range(10):
        world.call(TENANTS[number % 2], number)
    return lives


def test_from_nothing_the_tables_come_out_the_same(
    world: World, histories: list[ItemHistory]
) -> None:
    # Given
    before = world.dump()
    assert all(before)

    # When
    world.empty()
    assert world.dump() == [[], [], []]
    world.rebuild()

    # Then
    assert world.dump() == before


def test_over_tables_that_are_right_nothing_changes(
    world: World, histories: list[ItemHistory]
) -> None:
    before = world.dump()
    world.rebuild()
    assert world.dump() == before


def test_broken_off_anywhere_and_begun_again_it_ends_the_same(
    world: World, histories: list[ItemHistory]
) -> None:
    # Given
    before = world.dump()

    # When
    for steps in range(1, 4):
        world.ask("empty", "acme", steps=steps)
        world.ask("events", "acme", steps=steps)
        world.ask("calls", steps=steps)
    world.rebuild()

    # Then
    assert world.dump() == before


def test_what_comes_in_while_it_runs_is_neither_lost_nor_doubled(
    world: World, histories: list[ItemHistory]
) -> None:
    # Given
    world.empty()

    # When items and calls come between any two steps, and the same calls again
    late: list[ItemHistory] = []

    def happens() -> None:
        number = 100 + len(late)
        late.append(ItemHistory("acme", number))
        late[-1].step("image")
        world.lives(late[-1])
        world.call("acme", number)
        world.call("acme", 0)

    for task in ("events", "items", "calls"):
        happens()
        position: Any = None
        while True:
            step = world.rebuilding.step(Order(task, "acme", position), lambda: False)
            if len(late) < 30:
                happens()
            position = step.position
            if position is None:
                break
    world.rebuild()
    after = world.dump()

    # Then it is what a rebuild by itself makes of the same
    world.empty()
    world.rebuild()
    assert world.dump() == after
    rows = [row for history in [*histories, *late] for row in history.change_rows()]
    assert after[0] == sorted(rows, key=lambda row: row[:2])
    current = [history.current_row() for history in [*histories, *late]]
    assert after[1] == sorted(current, key=lambda row: row[:2])


def test_items_that_are_older_than_the_log_come_from_the_items_themselves(
    world: World, histories: list[ItemHistory]
) -> None:
    # Given a log that has lost its beginning
    _, items, hours = world.dump()
    world.forget_events("acme", 7)

    # When
    world.empty()
    world.rebuild()

    # Then only what happened before that is gone
    changes, items_after, hours_after = world.dump()
    alive = [row for row in items if not row[2]]
    assert [row for row in items_after if not row[2]] == alive
    assert hours_after == hours
    acme = [event for one in histories if one.tenant == "acme" for event in one.events]
    assert len([row for row in changes if row[0] == "acme"]) == len(acme) - 7


def test_it_says_what_would_be_lost(world: World, histories: list[ItemHistory]) -> None:
    # Given
    assert world.answer("losses", "acme")["changes"] == 0
    world.forget_events("acme", 7)

    # When
    losses = world.answer("losses", "acme")

    # Then
    acme = [event for one in histories if one.tenant == "acme" for event in one.events]
    assert losses["kept_from"] == acme[7]["time"]
    assert losses["changes"] == len([one for one in acme if one["time"] < acme[7]["time"]])
    world.forget_events("acme", 100)
    losses = world.answer("losses", "acme")
    assert losses == {"changes": len(acme), "deleted_items": 1, "kept_from": None}


def test_tenants_are_those_with_a_log_but_for_the_canary(
    world: World, histories: list[ItemHistory]
) -> None:
    world.lives(ItemHistory("canary", 50))
    assert sorted(world.answer("tenants")) == ["Acme", "acme"]


def test_one_tenants_calls_are_rebuilt_alone(world: World, histories: list[ItemHistory]) -> None:
    # Given
    _, _, hours = world.dump()
    world.empty()

    # When
    world.ask("calls", "Acme")

    # Then
    assert world.dump()[2] == [row for row in hours if row[0] == "Acme"]


def test_emptying_one_tenant_leaves_the_others(world: World, histories: list[ItemHistory]) -> None:
    before = world.dump()
    world.ask("empty", "acme")
    assert world.dump() == [[row for row in rows if row[0] != "acme"] for rows in before]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (None, "task must be"),
        ({}, "task must be"),
        ({"task": "drop"}, "task must be"),
        ({"task": "empty"}, "needs a tenant"),
        ({"task": "items", "tenant": 7}, "needs a tenant"),
    ],
)
def test_what_is_no_order_is_refused(event: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Order.read(event)
