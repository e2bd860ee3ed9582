"""What an event looks like to whoever receives it."""

from __future__ import annotations

import pytest

from itemstream.events.envelope import json_size, referenced, topic_of
from tests.fakes.events import an_event


def test_an_event_is_a_cloudevent() -> None:
    assert an_event().document(42) == {
        "specversion": "1.0",
        "id": "item-1:1:item.updated",
        "source": "/itemstream/items",
        "type": "item.updated",
        "subject": "item-1",
        "time": "2026-11-21T06:00:00.000Z",
        "tenant": "acme",
        "sequence": "00000000000000000042",
        "datacontenttype": "application/json",
        "dataschema": "urn:itemstream:schema:item.updated:1",
        "data": {"id": "item-1", "version": 1},
    }


def test_places_sort_as_texts() -> None:
    texts = [an_event().document(place)["sequence"] for place in (2, 10, 10**19)]
    assert texts == sorted(texts)


@pytest.mark.parametrize(
    ("event_type", "topic"),
    [
        ("item.deleted", "items"),
        ("image.ready", "items"),
        ("call.recorded", "calls"),
        ("report.ready", "reports"),
        ("health.changed", "health"),
        ("cleanup.finished", "health"),
    ],
)
def test_an_event_belongs_to_a_topic(event_type: str, topic: str) -> None:
    assert topic_of(event_type) == topic


def test_a_large_event_says_where_to_read_the_item() -> None:
    # Given
    document = an_event().document(1)

    # When
    small = referenced(document)

    # Then all but the data is there, and both would be against the extension's rule
    assert small == {
        **{name: value for name, value in document.items() if name != "data"},
        "dataref": "items/item-1",
    }


def test_sizes_are_bytes_not_letters() -> None:
    assert json_size({"name": "ü"}) == len('{"name":"ü"}') + 1
