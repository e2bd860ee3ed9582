"""What GET /health says of the last check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from itemstream.health.answers import health_document, unreadable_document
from itemstream.health.model import Health, PartHealth

AT = "2026-11-21T06:00:00.000Z"
NOW = datetime(2026, 11, 21, 6, 0, 30, tzinfo=UTC)


def health(**statuses: Any) -> Health:
    parts = {"dynamodb": "up", "rest": "up", "redis": "up", **statuses}
    return Health(
        AT,
        {
            name: PartHealth(status, AT, AT, 3, None if status == "up" else "no answer", ())
            for name, status in parts.items()
            if status
        },
    )


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({}, "up"),
        ({"redis": "down"}, "degraded"),
        ({"redis": "degraded"}, "degraded"),
        ({"redis": "unknown"}, "degraded"),
        ({"rest": "degraded"}, "degraded"),
        ({"rest": "down"}, "down"),
        ({"dynamodb": "down", "rest": "unknown"}, "down"),
        ({"rest": "unknown"}, "unknown"),
        ({"rest": None}, "unknown"),
    ],
)
def test_the_whole_is_as_well_as_the_parts_that_it_needs(
    statuses: dict[str, Any], expected: str
) -> None:
    assert health_document(health(**statuses), NOW)["status"] == expected


def test_a_part_is_told_without_what_only_operators_should_read() -> None:
    parts = {
        name: PartHealth("degraded", AT, AT, 3, reason, ())
        for name, reason in {
            "dead_letters": "get-health (12)",
            "consumers": "behind: broadcaster (95 s)",
            "redis": "fails with ConnectionError",
        }.items()
    }
    document = health_document(Health(AT, parts), NOW)
    assert {name: part["reason"] for name, part in document["parts"].items()} == {
        "dead_letters": "some work has failed",
        "consumers": "some work is late",
        "redis": "not found well",
    }


def test_a_part_is_told_with_when_it_was_looked_at() -> None:
    document = health_document(health(redis="down"), NOW)
    assert document["checked_at"] == AT
    assert document["parts"]["dynamodb"] == {
        "status": "up",
        "since": AT,
        "latency_ms": 3,
        "checked_at": AT,
    }
    assert document["parts"]["redis"]["reason"] == "not found well"


def test_old_news_are_no_news() -> None:
    late = NOW + timedelta(minutes=5)
    document = health_document(health(), late)
    assert document["status"] == "unknown"
    # What was known last is still there to be read
    assert document["parts"]["dynamodb"]["status"] == "up"


def test_before_the_first_check_nobody_knows() -> None:
    assert health_document(None, NOW) == {"status": "unknown", "checked_at": None, "parts": {}}


def test_a_table_that_cannot_be_read_is_down() -> None:
    document = unreadable_document(NOW)
    assert document["status"] == document["parts"]["dynamodb"]["status"] == "down"
