"""Records of streams: what is read, and what is not one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from itemstream.dynamodb.streams import MalformedRecord, read_stream_record
from tests.fakes.event_sources import stream_record

OLD = {"pk": "acme#0", "sk": "1", "version": 1}
NEW = {"pk": "acme#0", "sk": "1", "version": 2, "tags": ["a"], "category": None}


@pytest.mark.parametrize(
    ("kind", "old", "new"), [("INSERT", None, NEW), ("MODIFY", OLD, NEW), ("REMOVE", OLD, None)]
)
def test_a_record_tells_the_row_before_and_after(
    kind: str, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> None:
    # When
    record = read_stream_record(stream_record("items", new, old))

    # Then
    assert (record.kind, record.old, record.new) == (kind, old, new)
    assert record.keys == {"pk": "acme#0", "sk": "1"}
    assert record.table == "items"
    assert record.created_at == datetime(2026, 11, 21, 8, 33, 20, tzinfo=UTC)
    assert not record.expired


def test_an_expired_row_is_known_by_who_deleted_it() -> None:
    assert read_stream_record(stream_record("items", None, OLD, expired=True)).expired


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.pop("dynamodb"),
        lambda record: record.pop("eventID"),
        lambda record: record.pop("eventSourceARN"),
        lambda record: record.update(eventName="RENAME"),
        lambda record: record.update(eventName="REMOVE"),
        lambda record: record.update(eventSourceARN="arn:aws:sqs:us-east-1:1:queue"),
        lambda record: record["dynamodb"].pop("SequenceNumber"),
        lambda record: record["dynamodb"].pop("NewImage"),
        lambda record: record["dynamodb"].update(NewImage={"pk": {"B": "AA=="}}),
        lambda record: record["dynamodb"].update(NewImage={"pk": "bare"}),
        lambda record: record["dynamodb"].update(ApproximateCreationDateTime="soon"),
        lambda record: record["dynamodb"].update(ApproximateCreationDateTime=1e30),
    ],
)
def test_a_damaged_record_is_malformed(damage: Any) -> None:
    # Given
    record = stream_record("items", NEW)
    damage(record)

    # When / Then
    with pytest.raises(MalformedRecord):
        read_stream_record(record)
