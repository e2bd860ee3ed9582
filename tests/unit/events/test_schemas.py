"""Events are as their committed schemas say, and the schemas as their models."""

from __future__ import annotations

from typing import Any

import pytest

from itemstream.dynamodb.streams import read_stream_record
from itemstream.events import events_of
from itemstream.events.envelope import referenced
from tests.event_contract import SCHEMAS, assert_valid_event, faults_of
from tests.fakes.events import (
    IMAGE,
    call_record,
    call_row,
    cleanup_record,
    health_record,
    health_row,
    item_record,
    item_row,
    next_version,
    report_record,
    report_row,
    upload_record,
    upload_row,
)
from tools.event_schemas.__main__ import generated
from tools.event_schemas.models import EVENTS

RECORDS = {
    "item.created": item_record(item_row(category=None, price=None)),
    "item.updated": item_record(next_version(item_row(), name="Ash table"), item_row()),
    "item.deleted": item_record(None, item_row()),
    "image.ready": item_record(next_version(item_row(), images=[IMAGE]), item_row()),
    "image.failed": upload_record(upload_row(content_type=None, created_by=None)),
    "call.recorded": call_record(call_row(bytes_in=None, user_agent=None, ip_network=None)),
    "report.ready": report_record(report_row(), report_row(status="pending")),
    "cleanup.finished": cleanup_record(),
    "health.changed": health_record(
        health_row("2026-11-21T06:01:00.000Z", mysql="down"), health_row(mysql="up")
    ),
}


def document(event_type: str) -> dict[str, Any]:
    (event,) = [
        event
        for event in events_of(read_stream_record(RECORDS[event_type]))
        if event.type == event_type
    ]
    return event.document(1)


def test_the_committed_schemas_are_those_of_the_models() -> None:
    wanted = generated()
    assert {path.name for path in SCHEMAS.glob("*.json")} == {path.name for path in wanted}
    for path, content in wanted.items():
        assert path.read_text() == content, "run `make schemas`"


def test_every_event_has_a_schema() -> None:
    assert RECORDS.keys() == EVENTS.keys()


@pytest.mark.parametrize("event_type", RECORDS)
def test_an_event_is_as_its_schema_says(event_type: str) -> None:
    assert_valid_event(document(event_type))
    assert_valid_event(referenced(document(event_type)))


@pytest.mark.parametrize("event_type", RECORDS)
def test_a_schema_refuses_what_is_missing_or_strange(event_type: str) -> None:
    # Given
    whole = document(event_type)

    # Then
    for name in whole["data"]:
        data = {other: value for other, value in whole["data"].items() if other != name}
        assert faults_of({**whole, "data": data}), f"{name} may be missing"
    assert faults_of({**whole, "data": {**whole["data"], "pk": "acme#0"}})
    for name in whole:
        assert faults_of({other: value for other, value in whole.items() if other != name}), name
    assert faults_of({**whole, "dataref": "items/1"})
    assert faults_of({**whole, "sequence": "1"})
