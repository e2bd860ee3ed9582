"""Which events a change of a report means."""

from __future__ import annotations

from typing import Any

import pytest

from itemstream.dynamodb.streams import read_stream_record
from itemstream.events import Event, Unpublishable, events_of
from tests.event_contract import assert_valid_event
from tests.fakes.events import report_record, report_row

READY = report_row()
PENDING = {
    name: value
    for name, value in report_row(status="pending").items()
    if name not in {"generated_at", "changes", "calls", "reason"}
}


def events(new: dict[str, Any] | None, old: dict[str, Any] | None = None) -> list[Event]:
    return events_of(read_stream_record(report_record(new, old)))


def test_a_report_that_is_ready_is_told() -> None:
    # When
    (event,) = events(READY, PENDING)

    # Then
    assert (event.type, event.tenant, event.subject) == ("report.ready", "acme", "2026-W47")
    assert event.id == f"2026-W47:{READY['request']}:report.ready"
    assert event.time == READY["generated_at"]
    assert event.topic == "reports"
    assert event.data == {
        "week": "2026-W47",
        "request_id": READY["request"],
        "requested_at": "2026-11-23T06:00:00.000Z",
        "requested_by": None,
        "generated_at": "2026-11-23T06:00:12.000Z",
        "changes": 1846,
        "calls": 24261,
    }
    assert_valid_event(event.document(1))


def test_a_report_that_was_made_anew_is_told_anew() -> None:
    (again,) = events({**READY, "request": "01a1fc6d-0000-7000-8000-000000000000"}, READY)
    assert again.id == "2026-W47:01a1fc6d-0000-7000-8000-000000000000:report.ready"


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (PENDING, None),
        (PENDING, READY),
        ({**PENDING, "status": "failed", "reason": "no luck"}, PENDING),
        ({**READY, "expires_at": 0}, READY),
        (None, READY),
    ],
    ids=["asked for", "asked for again", "failed", "ready before", "ended"],
)
def test_nothing_else_about_a_report_is_told(
    new: dict[str, Any] | None, old: dict[str, Any] | None
) -> None:
    assert events(new, old) == []


def test_a_row_that_lacks_something_is_refused() -> None:
    lacking = {name: value for name, value in READY.items() if name != "changes"}
    with pytest.raises(Unpublishable, match="reports"):
        events(lacking, PENDING)
