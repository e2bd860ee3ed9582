"""How events get to the bus: each entry's answer counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.events import eventbridge
from itemstream.events.eventbridge import BusSettings, EventBridgeBus
from tests.fakes.events import an_event

if TYPE_CHECKING:
    from collections.abc import Callable

THROTTLED = ("ThrottlingException", "Rate exceeded")
MALFORMED = ("MalformedDetail", "Detail is malformed.")
Answer = tuple[str, str] | None


class Bus:
    """EventBridge: `answer` says for each entry, and how often it came, whether it is taken."""

    def __init__(self, answer: Callable[[dict[str, Any], int], Answer] = lambda *_: None) -> None:
        self._answer = answer
        self.calls: list[list[dict[str, Any]]] = []
        self.taken: list[dict[str, Any]] = []
        self._seen: dict[str, int] = {}

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append(Entries)
        assert 1 <= len(Entries) <= 10
        assert sum(eventbridge._entry_size(entry) for entry in Entries) <= 256 * 1024
        answers: list[dict[str, Any]] = []
        for entry in Entries:
            event_id = json.loads(entry["Detail"])["id"]
            times = self._seen[event_id] = self._seen.get(event_id, 0) + 1
            refusal = self._answer(entry, times)
            if refusal is None:
                self.taken.append(entry)
                answers.append({"EventId": "1"})
            else:
                answers.append({"ErrorCode": refusal[0], "ErrorMessage": refusal[1]})
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    @property
    def ids(self) -> list[str]:
        return [json.loads(entry["Detail"])["id"] for entry in self.taken]


class Clock:
    """Time passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)


def bus_of(client: Any) -> tuple[EventBridgeBus, Clock]:
    clock = Clock()
    return EventBridgeBus(client, BusSettings("events"), clock=clock, pause=clock.pause), clock


def documents(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [an_event(number, **changes).document(number) for number in range(1, count + 1)]


def test_an_entry_carries_the_whole_event() -> None:
    # Given
    client = Bus()
    (document,) = documents(1)

    # When
    delivery = bus_of(client)[0].send([document])

    # Then
    assert (delivery.failed, delivery.refused) == ({}, {})
    assert client.taken == [
        {
            "EventBusName": "events",
            "Source": "itemstream",
            "DetailType": "item.updated",
            "Detail": json.dumps(document, separators=(",", ":")),
            "Time": "2026-11-21T06:00:00.000Z",
        }
    ]


def test_ten_events_go_in_a_call() -> None:
    client = Bus()
    bus_of(client)[0].send(documents(25))
    assert [len(call) for call in client.calls] == [10, 10, 5]
    assert client.ids == [document["id"] for document in documents(25)]


def test_nothing_is_sent_of_nothing() -> None:
    client = Bus()
    bus_of(client)[0].send([])
    assert client.calls == []


def test_a_call_is_not_too_large() -> None:
    client = Bus()
    bus_of(client)[0].send(documents(9, data={"text": "ü" * 40_000}))
    assert [len(call) for call in client.calls] == [3, 3, 3]


def test_an_event_too_large_for_the_bus_says_where_to_read_it() -> None:
    # Given
    client = Bus()
    large, small = documents(1, data={"text": "ü" * 125_000}), documents(1)

    # When
    bus_of(client)[0].send([*large, *small])

    # Then
    first, second = (json.loads(entry["Detail"]) for entry in client.taken)
    assert first["dataref"] == "items/item-1"
    assert "data" not in first
    assert second["data"] == {"id": "item-1", "version": 1}


def test_only_what_failed_is_sent_again() -> None:
    # Given a bus that takes two of five events at the third attempt only
    def answer(entry: dict[str, Any], times: int) -> Answer:
        slow = any(name in entry["Detail"] for name in ("item-2:", "item-5:"))
        return THROTTLED if slow and times < 3 else None

    client = Bus(answer)

    # When
    bus, clock = bus_of(client)
    delivery = bus.send(documents(5))

    # Then
    assert delivery.failed == {}
    assert [len(call) for call in client.calls] == [5, 2, 2]
    assert sorted(client.ids) == sorted(document["id"] for document in documents(5))
    assert clock.now > 0


def test_what_goes_on_failing_is_said_in_time() -> None:
    # Given
    def answer(entry: dict[str, Any], _: int) -> Answer:
        return THROTTLED if "item-12:" in entry["Detail"] else None

    client = Bus(answer)
    bus, clock = bus_of(client)

    # When
    delivery = bus.send(documents(15))

    # Then
    assert delivery.failed == {11: "ThrottlingException: Rate exceeded"}
    assert len(client.taken) == 14
    assert clock.now < eventbridge.PATIENCE_SECONDS
    assert len(client.calls) > 4


def test_what_the_bus_never_takes_is_refused_at_once() -> None:
    def answer(entry: dict[str, Any], _: int) -> Answer:
        return MALFORMED if "item-3:" in entry["Detail"] else None

    client = Bus(answer)
    delivery = bus_of(client)[0].send(documents(4))
    assert delivery.refused == {2: "MalformedDetail: Detail is malformed."}
    assert delivery.failed == {}
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://events"),
        ClientError({"Error": {"Code": "ThrottlingException"}}, "PutEvents"),
        ClientError(
            {"Error": {"Code": "Any"}, "ResponseMetadata": {"HTTPStatusCode": 503}},  # type: ignore[typeddict-item]
            "PutEvents",
        ),
    ],
    ids=["away", "throttled", "broken"],
)
def test_a_bus_that_is_away_is_not_asked_again_and_again(error: Exception) -> None:
    # Given a bus that goes away after one call, of which an entry failed
    def answer(entry: dict[str, Any], _: int) -> Answer:
        if "item-11:" in entry["Detail"]:
            raise error
        return THROTTLED if "item-4:" in entry["Detail"] else None

    client = Bus(answer)

    # When
    delivery = bus_of(client)[0].send(documents(25))

    # Then
    assert sorted(delivery.failed) == [3, *range(10, 25)]
    assert len(client.calls) == 2


def test_faults_of_ours_stay_visible() -> None:
    def answer(_: dict[str, Any], __: int) -> Answer:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutEvents")

    with pytest.raises(ClientError):
        bus_of(Bus(answer))[0].send(documents(1))


def test_aws_takes_what_is_sent(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setenv("EVENTS_BUS", "events")
    with mock_aws():
        aws_client("events").create_event_bus(Name="events")

        # When
        delivery = EventBridgeBus.from_environment().send(documents(3))

    # Then
    assert (delivery.failed, delivery.refused) == ({}, {})
