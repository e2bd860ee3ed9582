"""Topics: their names, scopes, events and shards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itemstream.events.envelope import Event
from itemstream.realtime.topics import Topic, TopicRefused, topics_of

ITEM = "01a1fd0d-0f71-747f-8457-26ecebd91c18"
OTHER = "01a1fd0d-0f71-747f-8457-26ecebd91c19"
NAMES = ["items", f"items/{ITEM}", "calls", "reports"]


def document(event_type: str, subject: str = ITEM) -> dict[str, Any]:
    return Event(event_type, "id", "acme", subject, "2026-11-21T07:41:00.000Z", {}).document(1)


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_is_read_as_it_is_written(name: str) -> None:
    assert Topic.parse(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "item",
        "items/",
        f"items/{ITEM.upper()}",
        f"items/{ITEM}/",
        f"items/{ITEM}\n",
        f"items/{{{ITEM}}}",
        f"calls/{ITEM}",
        "items\n",
        " items",
        "health",
        "items/*",
        f"items/{ITEM.replace('-', '')}",
        "items/٠1a1fd0d-0f71-747f-8457-26ecebd91c18",
    ],
)
def test_there_is_no_other_topic(name: str) -> None:
    with pytest.raises(TopicRefused, match="must be items"):
        Topic.parse(name)


def test_a_topic_needs_the_scope_of_what_it_shows() -> None:
    assert [Topic.parse(name).scope for name in NAMES] == [
        "items:read",
        "items:read",
        "calls:read",
        "reports:read",
    ]


@pytest.mark.parametrize(
    ("event", "topics"),
    [
        (document("item.updated"), ["items", f"items/{ITEM}"]),
        (document("image.ready"), ["items", f"items/{ITEM}"]),
        (document("image.failed", "unknown"), ["items"]),
        (document("call.recorded"), ["calls"]),
        (document("report.ready"), ["reports"]),
        (document("health.changed"), []),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_an_event_belongs_to_its_topics_and_to_no_other(
    event: dict[str, Any], topics: list[str]
) -> None:
    assert topics_of(event) == topics
    assert [name for name in [*NAMES, f"items/{OTHER}"] if Topic.parse(name).matches(event)] == (
        topics
    )


def test_subscribers_of_one_item_are_in_one_shard() -> None:
    topic = Topic.parse(f"items/{ITEM}")
    assert topic.shards(8) == 1
    assert topic.shard_of("a-connection=", 8) == 0


@settings(deadline=None)
@given(connection_id=st.text(min_size=1), number=st.integers(1, 256))
def test_a_connection_has_one_shard(connection_id: str, number: int) -> None:
    topic = Topic.parse("items")
    assert topic.shards(number) == number
    assert 0 <= topic.shard_of(connection_id, number) < number
    assert topic.shard_of(connection_id, number) == topic.shard_of(connection_id, number)


def test_a_shard_is_the_same_on_every_machine_for_ever() -> None:
    topic = Topic.parse("items")
    assert [topic.shard_of(f"connection-{number}", 8) for number in range(8)] == [
        4,
        4,
        4,
        7,
        1,
        2,
        2,
        0,
    ]


def test_connections_spread_over_all_shards() -> None:
    topic = Topic.parse("items")
    found = [topic.shard_of(f"L0SM9cOFvHcCIhw={number}", 8) for number in range(8000)]
    assert min(found.count(shard) for shard in range(8)) > 800
