"""What events and calls say to reports, and what of them can never be projected."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from itemstream.events.log import LoggedEvent, PositionExpired
from itemstream.reports.projected_events import (
    NotProjectable,
    change_of,
    counted_call,
    is_projected,
    state_of_item,
)
from itemstream.reports.projected_messages import changes_of_messages
from itemstream.reports.projection import RowsRefused, project_each, state_of_change
from tests.fakes.events import call_row
from tests.fakes.item_histories import ItemHistory


def events_of_a_life() -> dict[str, dict[str, Any]]:
    """Return an event of each kind, of one item, by its type."""
    history = ItemHistory("acme", 1)
    history.step("replace")
    history.step("image")
    history.step("failed image")
    history.delete()
    return {event["type"]: event for event in history.events}


LIFE = events_of_a_life()


def test_a_change_tells_content_and_state() -> None:
    change = change_of(LIFE["item.updated"])
    assert (change.kind, change.version, change.images) == ("item.updated", 2, 0)
    assert change.content is not None
    state = state_of_change(change)
    assert state is not None
    assert (state.position, state.content_position, state.content) == (4, 4, change.content)


def test_a_picture_moves_an_item_on_without_telling_its_content() -> None:
    state = state_of_change(change_of(LIFE["image.ready"]))
    assert state is not None
    assert (state.position, state.content_position, state.images) == (6, 0, 1)
    assert state.content is None


def test_the_end_of_an_item_stands_above_its_last_version() -> None:
    state = state_of_change(change_of(LIFE["item.deleted"]))
    assert state is not None
    assert (state.position, state.content_position, state.deleted) == (7, 7, True)


def test_a_picture_that_failed_says_nothing_of_the_item() -> None:
    change = change_of(LIFE["image.failed"])
    assert change.version is None
    assert state_of_change(change) is None


def test_a_picture_of_before_images_were_counted_is_a_change_and_no_state() -> None:
    event = copy.deepcopy(LIFE["image.ready"])
    del event["data"]["item_images"]
    change = change_of(event)
    assert change.version == 3
    assert state_of_change(change) is None


def test_an_item_is_read_as_its_last_event_would_be() -> None:
    data = LIFE["item.updated"]["data"]
    assert state_of_item("acme", data) == state_of_change(change_of(LIFE["item.updated"]))


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("item.created", "version", "1"),
        ("item.created", "version", True),
        ("item.created", "version", -1),
        ("item.created", "version", 2**63),
        ("item.created", "id", ""),
        ("item.created", "id", "x" * 65),
        ("item.created", "id", None),
        ("item.created", "id", "\ud800"),
        ("item.created", "quantity", 1.5),
        ("item.created", "status", "x" * 33),
        ("item.created", "category", 7),
        ("item.created", "price", {"amount": 1, "currency": "euro"}),
        ("item.created", "price", "free"),
        ("item.created", "images", 3),
        ("item.created", "created_at", "2026-11-21T06:00:00"),
        ("item.created", "created_at", "0001-01-01T00:00:00+14:00"),
        ("item.created", "created_at", "yesterday"),
        ("item.deleted", "version", None),
        ("image.ready", "item_version", None),
        ("image.ready", "item_images", "one"),
        ("image.failed", "item_id", 4),
    ],
)
def test_an_event_that_is_not_as_its_schema_says_is_refused(
    kind: str, name: str, value: Any
) -> None:
    # Given
    event = copy.deepcopy(LIFE[kind])
    event["data"][name] = value

    # When / Then
    with pytest.raises(NotProjectable, match="not as its schema says"):
        change_of(event)


@pytest.mark.parametrize("name", ["id", "tenant", "time", "data"])
def test_an_event_without_a_part_is_refused(name: str) -> None:
    with pytest.raises(NotProjectable, match=name):
        change_of({key: value for key, value in LIFE["item.created"].items() if key != name})


def test_a_tenant_that_no_token_names_is_refused() -> None:
    with pytest.raises(NotProjectable, match="tenant"):
        change_of({**LIFE["item.created"], "tenant": "a b"})


@pytest.mark.parametrize(
    ("event", "projected"),
    [
        ({"type": "item.created", "tenant": "acme"}, True),
        ({"type": "image.failed", "tenant": "_unknown"}, False),
        ({"type": "item.renamed", "tenant": "acme"}, False),
        ({"type": "call.recorded", "tenant": "acme"}, False),
        ({}, False),
    ],
)
def test_only_what_reports_tell_of_is_projected(event: dict[str, Any], projected: bool) -> None:
    assert is_projected(event) is projected


def test_a_call_counts_in_its_hour() -> None:
    call = counted_call(
        call_row(tenant="acme", occurred_at="2026-11-21T05:59:59.999+01:00", bytes_in=None)
    )
    assert call.hour == datetime(2026, 11, 21, 4, tzinfo=UTC)
    assert (call.bytes_in, call.bytes_out, call.duration_ms) == (0, 4096, 12)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("call_id", "x" * 129),
        ("outcome", None),
        ("duration_ms", -1),
        ("bytes_out", 2**60),
        ("occurred_at", ""),
        ("tenant", "_unknown"),
    ],
)
def test_a_call_that_is_none_is_refused(name: str, value: Any) -> None:
    with pytest.raises(NotProjectable, match="silver"):
        counted_call(call_row(**{"tenant": "acme", name: value}))


class Log:
    """A log of one event."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = list(events)

    def read(self, tenant: str, *, after: int, limit: int) -> list[LoggedEvent]:
        if not self.events:
            raise PositionExpired(f"the event after {after} is no longer kept")
        return [LoggedEvent(after + 1, "items", event) for event in self.events]

    def last(self, tenant: str) -> int:
        return len(self.events)


def message(event: Any) -> str:
    return json.dumps({"detail-type": "item.created", "detail": event})


def test_an_event_that_was_too_large_for_the_bus_is_read_from_the_log() -> None:
    # Given
    event = LIFE["item.created"]
    reference = {name: value for name, value in event.items() if name != "data"}

    # When
    changes, refused = changes_of_messages({"m": message(reference)}, Log(event))

    # Then
    assert refused == {}
    assert changes == {"m": change_of(event)}


@pytest.mark.parametrize(
    ("log", "why"),
    [(Log(), "no longer kept"), (Log(LIFE["item.deleted"]), "another event")],
)
def test_an_event_that_is_nowhere_whole_is_refused(log: Log, why: str) -> None:
    reference = {name: value for name, value in LIFE["item.created"].items() if name != "data"}
    changes, refused = changes_of_messages({"m": message(reference)}, log)
    assert changes == {}
    assert why in refused["m"]


def test_a_malformed_message_is_refused_alone() -> None:
    # Given
    bodies = {
        "no json": "{",
        "no event": message("hello"),
        "good": message(LIFE["item.created"]),
        "of no use": message({**LIFE["item.created"], "type": "item.renamed"}),
        "bad": message({**LIFE["item.created"], "data": {}}),
    }

    # When
    changes, refused = changes_of_messages(bodies, Log())

    # Then
    assert list(changes) == ["good"]
    assert list(refused) == ["no json", "no event", "bad"]


@pytest.mark.parametrize("bad", [[], [0], [6], [0, 3, 6], list(range(7))])
def test_rows_that_the_database_refuses_are_found_and_all_others_projected(bad: list[int]) -> None:
    # Given
    taken: list[int] = []

    def project(rows: Any) -> None:
        if refused := set(rows) & set(bad):
            raise RowsRefused(f"not {sorted(refused)}")
        taken.extend(rows)

    # When
    refused = project_each(range(7), project)

    # Then
    assert sorted([*refused, *taken]) == list(range(7))
    assert refused == {number: f"not [{number}]" for number in bad}
