"""What docs/events.md says of events is so."""

from __future__ import annotations

import json
import re

import pytest

from itemstream.events import topic_of
from itemstream.events.dynamodb import (
    EVENTS_PER_TRANSACTION,
    LARGEST_EVENT_BYTES,
    MARKER_SECONDS,
)
from itemstream.events.eventbridge import LARGEST_DETAIL_BYTES
from tests.event_contract import assert_valid_event
from tools.event_schemas.models import EVENTS
from tools.project import ROOT

PAGE = (ROOT / "docs" / "events.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| `[a-z]+\.[a-z]+` \|", line)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["type"]))
def test_an_example_is_an_event(example: dict[str, object]) -> None:
    assert_valid_event(example)


def test_the_catalogue_is_complete() -> None:
    assert [row[0].strip("`") for row in ROWS] == list(EVENTS)
    for kind, _, event_id, _, data, topic in ROWS:
        event_type = kind.strip("`")
        assert event_id.endswith(f":{event_type}`")
        assert f"(../events/{event_type}.json)" in data
        assert topic == f"`{topic_of(event_type)}`"


def test_every_type_but_the_first_has_an_example() -> None:
    assert {str(example["type"]) for example in EXAMPLES} == EVENTS.keys() - {"item.created"}


def test_the_limits_are_those_of_the_code() -> None:
    assert f"| {EVENTS_PER_TRANSACTION} |" in PAGE
    assert f"| {LARGEST_DETAIL_BYTES // 1024} KB |" in PAGE
    assert f"| {LARGEST_EVENT_BYTES // 1000} KB |" in PAGE
    assert f"kept for {MARKER_SECONDS // 86400} days" in PAGE
