"""What a new item is, and how times are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from itemstream.items.model import Item, new_item_id, timestamp
from tests.fakes.content import NOW, content


def test_a_new_item_is_its_content_and_what_the_platform_adds() -> None:
    item = Item.create("acme", content(), created_by="alice", now=NOW)
    assert item.document == {
        "id": item.id,
        **content(),
        "images": [],
        "version": 1,
        "created_at": "2026-11-21T06:00:00.000Z",
        "updated_at": "2026-11-21T06:00:00.000Z",
        "created_by": "alice",
    }
    assert (item.tenant, item.version) == ("acme", 1)


def test_ids_sort_by_time_of_creation() -> None:
    ids = [new_item_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {UUID(item_id).version for item_id in ids} == {7}


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), "2026-01-02T03:04:05.678Z"),
        (
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T01:04:05.000Z",
        ),
    ],
)
def test_times_are_utc_in_milliseconds(moment: datetime, written: str) -> None:
    assert timestamp(moment) == written


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        timestamp(datetime(2026, 1, 2))  # noqa: DTZ001
