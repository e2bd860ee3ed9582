"""The projector as Lambda calls it: messages of the bus's queue, and records of silver's stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.reports.projection import RowsRefused
from tests.fakes.event_sources import queue_message
from tests.fakes.events import call_record, call_row
from tests.fakes.gateway import LambdaContext
from tests.fakes.item_histories import ItemHistory
from tests.fakes.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEAD_LETTERS = "itemstream-test-report-events-dead-letters"
QUEUE = "report-events"


class FakeProjection:
    """Keeps ids; refuses a batch with one that it was told of, and may be away."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.refuses = ""
        self.away = False

    def add_changes(self, changes: Sequence[Any]) -> int:
        return self._add([change.event_id for change in changes])

    def add_calls(self, calls: Sequence[Any]) -> int:
        return self._add([call.call_id for call in calls])

    def _add(self, ids: list[str]) -> int:
        if self.away:
            raise DependencyUnavailable("MySQL")
        if self.refuses in ids:
            raise RowsRefused("MySQL refuses it: 1264")
        self.kept += ids
        return len(ids)


@pytest.fixture
def projection() -> FakeProjection:
    return FakeProjection()


@pytest.fixture
def handler(
    load: Callable[[str], Any], projection: FakeProjection, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[dict[str, Any]]], list[str]]:
    """Return a function that has records handled, and returns those that are to come again."""
    variables = {
        "EVENTS_TABLE": EVENTS,
        "DEAD_LETTERS_QUEUE": DEAD_LETTERS,
        "MAX_RECEIVE_COUNT": "1000",
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": "9",
        "DATABASE_NAME": "itemstream",
        "DATABASE_USER": "itemstream",
        "DATABASE_USER_SECRET": "database",
        "DATABASE_SECRET": "database",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for queue in (DEAD_LETTERS, QUEUE):
        aws_client("sqs").create_queue(QueueName=queue)
    module = load("functions.processors.report_projector")
    monkeypatch.setattr(module, "projection", projection)

    def handled(records: list[dict[str, Any]]) -> list[str]:
        answer = module.handler({"Records": records}, LambdaContext("report-projector"))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return handled


def letters() -> list[tuple[str, str]]:
    url = aws_client("sqs").get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    answer = aws_client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return [
        (
            message["MessageAttributes"]["Kind"]["StringValue"],
            message["MessageAttributes"]["Reason"]["StringValue"],
        )
        for message in answer.get("Messages", [])
    ]


def of_the_bus(event: Any) -> dict[str, Any]:
    return queue_message(json.dumps({"detail": event}), queue=QUEUE)


def calls(*ids: str) -> list[dict[str, Any]]:
    return [call_record(call_row(pk=f"acme#{i}", tenant="acme", call_id=i)) for i in ids]


def test_poison_among_messages_is_a_dead_letter_and_its_neighbours_are_projected(
    handler: Callable[[list[dict[str, Any]]], list[str]], projection: FakeProjection
) -> None:
    # Given a message that is none, an event that is none, and one that MySQL refuses
    history = ItemHistory("acme", 1)
    history.step("replace")
    history.step("image")
    created, updated, ready = history.events
    projection.refuses = updated["id"]
    records = [
        queue_message("{", queue=QUEUE),
        of_the_bus(created),
        of_the_bus({**created, "data": {"id": 1}}),
        of_the_bus(updated),
        of_the_bus(ready),
    ]

    # When
    again = handler(records)

    # Then
    assert again == []
    assert projection.kept == [created["id"], ready["id"]]
    kinds, reasons = zip(*letters(), strict=True)
    assert kinds == ("queue-message",) * 3
    assert sorted(reason.partition(":")[0] for reason in reasons) == [
        "MySQL refuses it",
        "not a CloudEvent from the event bus",
        "the event is not as its schema says",
    ]


def test_with_mysql_away_every_message_comes_again_and_none_is_given_up(
    handler: Callable[[list[dict[str, Any]]], list[str]], projection: FakeProjection
) -> None:
    # Given messages that came a thousand times
    projection.away = True
    events = ItemHistory("acme", 1).events
    records = [of_the_bus(event) for event in events]
    for record in records:
        record["attributes"]["ApproximateReceiveCount"] = "1000"

    # When / Then
    assert handler(records) == [record["messageId"] for record in records]
    assert letters() == []


def test_poison_among_calls_is_a_dead_letter_and_its_neighbours_count(
    handler: Callable[[list[dict[str, Any]]], list[str]], projection: FakeProjection
) -> None:
    # Given
    records = calls("a", "b", "c", "d")
    records[1]["dynamodb"]["NewImage"]["duration_ms"] = {"N": "-5"}
    projection.refuses = "c"

    # When
    again = handler(records)

    # Then
    assert again == []
    assert projection.kept == ["a", "d"]
    kinds, reasons = zip(*letters(), strict=True)
    assert kinds == ("stream-record",) * 2
    assert sorted(reason.partition(":")[0] for reason in reasons) == [
        "MySQL refuses it",
        "the row is not one of silver",
    ]


def test_with_mysql_away_the_stream_keeps_its_place(
    handler: Callable[[list[dict[str, Any]]], list[str]], projection: FakeProjection
) -> None:
    projection.away = True
    records = calls("a", "b")
    assert handler(records) == [records[0]["dynamodb"]["SequenceNumber"]]
    assert letters() == []
