"""How events get into the log: dense, in order, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from itemstream.dependencies import DependencyUnavailable
from itemstream.events import PositionExpired
from itemstream.events.dynamodb import (
    ATTEMPTS,
    LARGEST_EVENT_BYTES,
    DynamoLogReader,
    DynamoLogWriter,
    LogReaderSettings,
)
from tests.fakes.events import an_event
from tests.fakes.log_tables import LogTables
from tests.fakes.tables import EVENTS, IDEMPOTENCY
from tests.unit.events.conftest import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.events import Event

NOW = 1_795_250_000


class Watched:
    """A client that counts calls, and answers the first transactions otherwise."""

    def __init__(self, client: Any, *failures: Exception, after: bool = False) -> None:
        self._client = client
        self._failures = list(failures)
        self._after = after
        self.calls: list[str] = []
        self.transactions: list[list[dict[str, Any]]] = []

    def transact_write_items(self, **arguments: Any) -> Any:
        self.calls.append("transact_write_items")
        self.transactions.append(arguments["TransactItems"])
        if self._failures:
            failure = self._failures.pop(0)
            if self._after:
                self._client.transact_write_items(**arguments)
            raise failure
        return self._client.transact_write_items(**arguments)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append(name)
            return getattr(self._client, name)(**arguments)

        return call


def writer(client: Any, pauses: list[float] | None = None) -> DynamoLogWriter:
    pause = (pauses if pauses is not None else []).append
    return DynamoLogWriter(client, SETTINGS, clock=lambda: NOW, pause=pause)


def reader(client: Any, pause: Callable[[float], None] = lambda _: None) -> DynamoLogReader:
    return DynamoLogReader(client, LogReaderSettings(EVENTS), pause=pause)


def logged(client: Any, tenant: str = "acme") -> list[tuple[int, str]]:
    events = reader(client).read(tenant, after=0, limit=1000)
    return [(event.sequence, event.document["id"]) for event in events]


def numbered(events: list[Event], start: int = 1) -> list[tuple[int, str]]:
    return [(place, event.id) for place, event in enumerate(events, start)]


def cancelled(*codes: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": code} for code in codes],
        },  # type: ignore[typeddict-unknown-key]
        "TransactWriteItems",
    )


def test_events_are_kept_in_order_without_a_gap(tables: Any) -> None:
    # Given
    events = [an_event(number) for number in range(1, 121)]

    # When
    assert writer(tables).append("acme", events[:70]) == 70
    assert writer(tables).append("acme", events[70:]) == 50

    # Then
    assert logged(tables) == numbered(events)
    assert reader(tables).last("acme") == 120


def test_each_tenant_has_a_sequence_of_its_own(tables: Any) -> None:
    log = writer(tables)
    log.append("acme", [an_event(1), an_event(2)])
    log.append("other", [an_event(1, tenant="other")])
    assert logged(tables, "other") == [(1, an_event(1).id)]
    assert reader(tables).last("other") == 1


def test_a_row_says_all_that_readers_need(tables: Any) -> None:
    # When
    writer(tables).append("acme", [an_event(1)])

    # Then
    row = tables.get_item(
        TableName=EVENTS,
        Key={"pk": {"S": "acme"}, "sk": {"S": f"{1:020d}"}},
        ConsistentRead=True,
    )["Item"]
    assert row["kind"] == {"S": "event"}
    assert row["topic"] == {"S": "items"}
    assert row["expires_at"] == {"N": str(NOW + 24 * 3600)}
    assert row["event"]["M"]["sequence"] == {"S": f"{1:020d}"}
    marker = tables.get_item(
        TableName=IDEMPOTENCY,
        Key={"pk": {"S": "event#acme#item-1:1:item.updated"}},
        ConsistentRead=True,
    )["Item"]
    assert marker["sequence"] == {"N": "1"}
    assert marker["expires_at"] == {"N": str(NOW + 30 * 24 * 3600)}


def test_repeats_are_left_out(tables: Any) -> None:
    # Given
    events = [an_event(number) for number in range(1, 8)]
    log = writer(tables)
    log.append("acme", events[:4])

    # When some come again, some of them twice, among new ones
    new = log.append("acme", [events[1], events[5], events[5], events[0], events[6], events[1]])

    # Then
    assert new == 2
    assert logged(tables) == numbered([*events[:4], events[5], events[6]])


def test_of_repeats_in_one_batch_the_first_has_the_place(tables: Any) -> None:
    events = [an_event(number) for number in (1, 2, 1, 3, 2, 1)]
    assert writer(tables).append("acme", events) == 3
    assert logged(tables) == numbered([an_event(1), an_event(2), an_event(3)])


def test_a_repeat_changes_nothing_even_when_the_log_has_forgotten_the_event() -> None:
    # Given
    tables = LogTables()
    writer(tables).append("acme", [an_event(1), an_event(2)])
    tables.delete(EVENTS, "acme", f"{1:020d}")

    # When
    before = tables.rows(EVENTS)
    assert writer(tables).append("acme", [an_event(1)]) == 0

    # Then
    assert tables.rows(EVENTS) == before


def test_a_log_that_is_at_hand_costs_one_call_for_49_events(tables: Any) -> None:
    # Given
    watched = Watched(tables)
    log = writer(watched)
    log.append("acme", [an_event(0)])
    watched.calls.clear()

    # When
    log.append("acme", [an_event(number) for number in range(1, 99)])

    # Then
    assert watched.calls == ["transact_write_items"] * 2
    assert [len(transaction) for transaction in watched.transactions[1:]] == [99, 99]


def test_who_is_overtaken_goes_on_where_the_log_ends_now(tables: Any) -> None:
    # Given a writer that has seen the log's end
    events = [an_event(number) for number in range(1, 6)]
    pauses: list[float] = []
    watched = Watched(tables)
    slow = writer(watched, pauses)
    slow.append("acme", events[:1])

    # When somebody else appends meanwhile
    writer(tables).append("acme", events[1:3])
    watched.calls.clear()
    assert slow.append("acme", events[2:]) == 2

    # Then
    assert logged(tables) == numbered(events)
    # With the places DynamoDB tells at once where the log ends: no read is needed.
    assert watched.calls in (
        ["transact_write_items"] * 2,
        ["transact_write_items", "get_item", "transact_write_items"],
        ["transact_write_items"] * 3,
    )


def test_an_answer_that_was_lost_appends_nothing_twice(tables: Any) -> None:
    # Given a transaction that is done, and not answered
    events = [an_event(number) for number in range(1, 4)]
    lost = ReadTimeoutError(endpoint_url="http://dynamodb")
    log = writer(Watched(tables, lost, after=True))

    # When
    with pytest.raises(DependencyUnavailable):
        log.append("acme", events)
    assert log.append("acme", events) == 0

    # Then
    assert logged(tables) == numbered(events)


def test_what_was_not_written_is_written_by_the_next_attempt(tables: Any) -> None:
    # Given
    events = [an_event(number) for number in range(1, 60)]
    throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "TransactWriteItems")
    log = writer(Watched(tables, throttled))

    # When
    with pytest.raises(DependencyUnavailable):
        log.append("acme", events)
    assert logged(tables) == []
    assert log.append("acme", events) == 59

    # Then
    assert logged(tables) == numbered(events)


@pytest.mark.parametrize(
    "code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]
)
def test_a_transaction_that_meets_another_is_tried_again_after_a_pause(code: str) -> None:
    # Given
    tables, pauses = LogTables(), list[float]()
    conflicts = [cancelled(code, "None", "None")] * 3
    log = writer(Watched(tables, *conflicts), pauses)

    # When
    assert log.append("acme", [an_event()]) == 1

    # Then
    assert len(pauses) == 3
    assert logged(tables) == numbered([an_event()])


def test_a_log_that_stays_busy_is_unavailable() -> None:
    pauses: list[float] = []
    conflicts = [cancelled("TransactionConflict", "None", "None")] * ATTEMPTS
    watched = Watched(LogTables(), *conflicts)
    with pytest.raises(DependencyUnavailable):
        writer(watched, pauses).append("acme", [an_event()])
    assert len(watched.transactions) == ATTEMPTS
    # Then it gave up well before any function's time is over
    assert sum(pauses) < 10


@pytest.mark.parametrize(
    "error",
    [
        cancelled("None", "ValidationError", "None"),
        cancelled("None", "ItemCollectionSizeLimitExceeded", "None"),
        cancelled("None"),
        cancelled(),
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems"),
    ],
    ids=str,
)
def test_faults_of_ours_stay_visible(error: ClientError) -> None:
    watched = Watched(LogTables(), error)
    with pytest.raises(ClientError):
        writer(watched).append("acme", [an_event()])
    assert len(watched.transactions) == 1


def test_a_lost_head_overwrites_nothing() -> None:
    # Given a log whose head somebody deleted
    tables = LogTables()
    writer(tables).append("acme", [an_event(1)])
    tables.delete(EVENTS, "head#acme", "head")

    # When
    with pytest.raises(ClientError):
        writer(tables).append("acme", [an_event(2)])

    # Then
    (row,) = tables.rows(EVENTS)
    assert row["event_id"] == {"S": an_event(1).id}


def test_an_event_that_no_row_can_hold_says_where_to_read_it(tables: Any) -> None:
    # Given
    large = an_event(1, data={"id": "item-1", "text": "ü" * (LARGEST_EVENT_BYTES // 2)})

    # When
    writer(tables).append("acme", [large, an_event(2)])

    # Then
    first, second = reader(tables).read("acme", after=0, limit=10)
    assert first.document["dataref"] == "items/item-1"
    assert "data" not in first.document
    assert "data" in second.document


def test_large_events_share_no_transaction_that_is_too_large(tables: Any) -> None:
    # Given
    events = [an_event(number, data={"text": "x" * 300_000}) for number in range(1, 14)]
    watched = Watched(tables)

    # When
    writer(watched).append("acme", events)

    # Then
    assert [len(transaction) for transaction in watched.transactions] == [23, 5]
    assert [place for place, _ in logged(tables)][:3] == [1, 2, 3]


def test_reading_goes_on_after_a_position(tables: Any) -> None:
    # Given
    events = [an_event(number) for number in range(1, 8)]
    writer(tables).append("acme", events)
    log = reader(tables)

    # When, then
    assert [event.sequence for event in log.read("acme", after=0, limit=3)] == [1, 2, 3]
    assert [event.sequence for event in log.read("acme", after=5, limit=3)] == [6, 7]
    assert log.read("acme", after=7, limit=3) == []
    assert log.read("acme", after=99, limit=3) == []
    assert log.read("nobody", after=0, limit=3) == []
    assert log.last("nobody") == 0


def test_a_position_before_what_is_kept_has_expired() -> None:
    # Given
    tables = LogTables()
    writer(tables).append("acme", [an_event(number) for number in range(1, 6)])
    for place in (1, 2, 4):
        tables.delete(EVENTS, "acme", f"{place:020d}")
    log = reader(tables)

    # When, then: nothing is ever given with a gap
    with pytest.raises(PositionExpired):
        log.read("acme", after=0, limit=10)
    assert [event.sequence for event in log.read("acme", after=2, limit=10)] == [3]
    with pytest.raises(PositionExpired):
        log.read("acme", after=3, limit=10)


def test_a_log_of_which_nothing_is_kept_has_expired() -> None:
    tables = LogTables()
    writer(tables).append("acme", [an_event(1)])
    tables.delete(EVENTS, "acme", f"{1:020d}")
    with pytest.raises(PositionExpired):
        reader(tables).read("acme", after=0, limit=10)
    assert reader(tables).read("acme", after=1, limit=10) == []


def test_a_transaction_of_which_a_part_is_seen_is_waited_for() -> None:
    # Given a query that sees the second row of a transaction before the first
    tables = LogTables()
    writer(tables).append("acme", [an_event(1), an_event(2)])
    (first,) = [row for row in tables.rows(EVENTS) if row["sk"] == {"S": f"{1:020d}"}]
    tables.delete(EVENTS, "acme", f"{1:020d}")

    def finish(_: float) -> None:
        tables._rows[EVENTS, "acme", f"{1:020d}"] = first

    # When
    events = reader(tables, finish).read("acme", after=0, limit=10)

    # Then
    assert [event.sequence for event in events] == [1, 2]
