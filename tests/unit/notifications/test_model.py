"""Which messages carry an event, and how urgent it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from itemstream.dead_letters import Refused
from itemstream.notifications.model import read_event, severity_of
from tests.fakes.notified_events import cloud_event, from_the_bus


def test_an_event_is_read_from_the_envelope_of_the_bus() -> None:
    # Given
    event = cloud_event()

    # When / Then
    assert read_event(from_the_bus(event)) == event


def test_an_event_without_its_data_is_read_too() -> None:
    # Given one that was too large for the bus
    event = cloud_event(dataref="items/1")
    del event["data"]

    # When / Then
    assert read_event(from_the_bus(event)) == event


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "null", "{}", '{"detail": 3}'])
def test_what_carries_no_event_is_refused(body: str) -> None:
    with pytest.raises(Refused, match="not a CloudEvent from the event bus"):
        read_event(body)


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type", "time", "tenant"])
def test_an_event_without_a_required_attribute_is_refused_by_its_name(missing: str) -> None:
    # Given
    event = cloud_event()
    body = json.loads(from_the_bus(event))
    del body["detail"][missing]

    # When / Then
    with pytest.raises(Refused, match=missing):
        read_event(json.dumps(body))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("specversion", "0.3"),
        ("tenant", ""),
        ("tenant", 7),
        ("id", None),
        ("subject", "line\nbreak"),
        ("data", ["a list"]),
        ("data", None),
    ],
)
def test_an_event_with_a_wrong_attribute_is_refused(attribute: str, value: Any) -> None:
    name = "version" if attribute == "specversion" else attribute
    with pytest.raises(Refused, match=name):
        read_event(from_the_bus(cloud_event(**{"event_type": "item.created", attribute: value})))


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        (cloud_event("item.deleted"), "info"),
        (cloud_event("image.failed"), "warning"),
        (cloud_event("health.changed", data={"status": "up"}), "info"),
        (cloud_event("health.changed", data={"status": "down"}), "warning"),
        (cloud_event("health.changed", data={}), "warning"),
        (cloud_event("cleanup.finished", data={"tasks": {"tickets": {"errors": 0}}}), "info"),
        (cloud_event("cleanup.finished"), "warning"),
        (cloud_event("cleanup.finished", data={}), "info"),
    ],
)
def test_bad_news_are_warnings(event: dict[str, Any], severity: str) -> None:
    assert severity_of(event) == severity
