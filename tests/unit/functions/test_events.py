"""The publisher and the router, from stream records to the log and to the bus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from tests.fakes.event_sources import stream_record
from tests.fakes.events import (
    IMAGE,
    an_event,
    call_record,
    call_row,
    item_record,
    item_row,
    next_version,
    upload_record,
    upload_row,
)
from tests.fakes.gateway import LambdaContext
from tests.fakes.tables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itemstream.events import Event

DONE: dict[str, Any] = {"batchItemFailures": []}
QUEUE = "itemstream-test-dead-letters"


@pytest.fixture
def load_consumer(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Any]:
    monkeypatch.setenv("EVENTS_TABLE", EVENTS)
    monkeypatch.setenv("EVENTS_RETENTION_HOURS", "24")
    monkeypatch.setenv("EVENTS_BUS", "events")
    monkeypatch.setenv("DEAD_LETTERS_QUEUE", QUEUE)
    aws_client("sqs").create_queue(QueueName=QUEUE)
    aws_client("events").create_event_bus(Name="events")
    return load


@pytest.fixture
def publisher(load_consumer: Callable[[str], Any]) -> Any:
    return load_consumer("functions.processors.change_publisher")


@pytest.fixture
def router(load_consumer: Callable[[str], Any]) -> Any:
    return load_consumer("functions.processors.event_router")


def given(function: Any, *records: dict[str, Any]) -> dict[str, Any]:
    """Hand records to a function."""
    answer: dict[str, Any] = function.handler({"Records": list(records)}, LambdaContext())
    return answer


def again_from(record: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}


def rows() -> list[dict[str, Any]]:
    found = aws_client("dynamodb").scan(TableName=EVENTS)["Items"]
    return sorted(
        (row for row in found if row["kind"] == {"S": "event"}),
        key=lambda row: (row["pk"]["S"], row["sk"]["S"]),
    )


def types(tenant: str = "acme") -> list[str]:
    return [row["type"]["S"] for row in rows() if row["pk"] == {"S": tenant}]


def letters() -> list[tuple[str, Any]]:
    sqs = aws_client("sqs")
    messages = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
    ).get("Messages", [])
    return [
        (message["MessageAttributes"]["Reason"]["StringValue"], json.loads(message["Body"]))
        for message in messages
    ]


def test_changes_become_the_log_in_their_order(publisher: Any) -> None:
    # Given
    made = item_row()
    replaced = next_version(made, name="Ash table")
    pictured = next_version(replaced, images=[IMAGE])

    # When
    answer = given(
        publisher,
        item_record(made),
        item_record(replaced, made),
        call_record(call_row()),
        item_record(pictured, replaced),
        upload_record(upload_row("pending")),
        upload_record(upload_row(), upload_row("pending")),
        item_record(None, pictured),
    )

    # Then
    assert answer == DONE
    assert types() == [
        "item.created",
        "item.updated",
        "call.recorded",
        "image.ready",
        "image.failed",
        "item.deleted",
    ]
    assert [row["sk"]["S"] for row in rows()] == [f"{place:020d}" for place in range(1, 7)]


def test_a_batch_that_comes_again_changes_nothing(publisher: Any) -> None:
    # Given
    one, other = item_record(item_row()), item_record(item_row("other"))
    given(publisher, one, other)
    before = rows()

    # When
    assert given(publisher, other, one, one) == DONE

    # Then
    assert rows() == before


def test_what_can_be_no_event_is_given_up_and_the_rest_goes_on(publisher: Any) -> None:
    # Given
    row = item_row()
    by_hand = item_record({**row, "name": "By hand"}, row)

    # When
    answer = given(publisher, item_record(row), by_hand, item_record(next_version(row), row))

    # Then
    assert answer == DONE
    assert types() == ["item.created", "item.updated"]
    ((reason, body),) = letters()
    assert reason == "the item changed without a new version: 1 and 1"
    assert body == by_hand


class Reluctant:
    """A log that does not take the events of some tenants now."""

    def __init__(self, log: Any, *tenants: str) -> None:
        self._log = log
        self.tenants = tenants
        self.asked: list[str] = []

    def append(self, tenant: str, events: Sequence[Event]) -> int:
        self.asked.append(tenant)
        if tenant in self.tenants:
            raise DependencyUnavailable("DynamoDB")
        new: int = self._log.append(tenant, events)
        return new


def test_a_tenant_whose_log_is_busy_does_not_hold_the_others(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    log = Reluctant(publisher.log, "busy")
    monkeypatch.setattr(publisher, "log", log)
    records = [
        item_record(item_row()),
        item_record(item_row("busy")),
        item_record(item_row("other")),
        item_record(item_row("busy")),
    ]

    # When
    answer = given(publisher, *records)

    # Then the batch is to go on from the busy tenant's first record
    assert answer == again_from(records[1])
    assert (len(types()), len(types("other")), len(types("busy"))) == (1, 1, 0)

    # When it does
    log.tenants = ()
    assert given(publisher, *records[1:]) == DONE

    # Then nothing is there twice
    assert (len(types()), len(types("other")), len(types("busy"))) == (1, 1, 2)


def test_a_log_that_is_away_is_not_asked_for_every_tenant(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    tenants = [f"tenant-{number}" for number in range(9)]
    log = Reluctant(publisher.log, *tenants)
    monkeypatch.setattr(publisher, "log", log)
    records = [item_record(item_row(tenant)) for tenant in tenants]

    # When
    answer = given(publisher, *records)

    # Then
    assert answer == again_from(records[0])
    assert len(log.asked) == 2


def test_what_comes_again_with_a_batch_is_not_given_up_twice(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an unreadable record before and one after the record that has to wait
    row = item_row()
    unreadable = [item_record({**row, "name": name}, row) for name in ("Before", "After")]
    waiting = item_record(item_row("busy"))
    log = Reluctant(publisher.log, "busy")
    monkeypatch.setattr(publisher, "log", log)

    # When
    assert given(publisher, unreadable[0], waiting, unreadable[1]) == again_from(waiting)
    first = letters()
    log.tenants = ()
    assert given(publisher, waiting, unreadable[1]) == DONE

    # Then
    assert [body for _, body in first] == [unreadable[0]]
    assert [body for _, body in letters()] == [unreadable[1]]


def test_appended_and_repeated_events_are_counted(
    publisher: Any, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    record = item_record(item_row())
    given(publisher, record)
    log()

    # When
    given(publisher, record, item_record(item_row()))

    # Then
    (metrics,) = [line for line in log() if "_aws" in line]
    assert (metrics["EventsAppended"], metrics["EventsRepeated"]) == ([1.0], [1.0])


def logged(number: int, **changes: Any) -> dict[str, Any]:
    """Make the stream record of a row of the log."""
    event = an_event(number)
    row = {
        "pk": "acme",
        "sk": f"{number:020d}",
        "kind": "event",
        "event": event.document(number),
        **changes,
    }
    return stream_record(EVENTS, row)


class Bus:
    """An EventBridge client that answers each event as the test says, and keeps what it takes."""

    def __init__(self, **answers: str | Exception) -> None:
        self.answers = answers
        self.taken: list[str] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        answers: list[dict[str, Any]] = []
        for entry in Entries:
            subject = json.loads(entry["Detail"])["subject"].replace("-", "_")
            answer = self.answers.get(subject)
            if isinstance(answer, Exception):
                raise answer
            answers.append({"ErrorCode": answer, "ErrorMessage": "no"} if answer else {})
            self.taken += [] if answer else [subject]
        return {"FailedEntryCount": sum(map(bool, answers)), "Entries": answers}


def on(router: Any, monkeypatch: pytest.MonkeyPatch, bus: Bus) -> Any:
    monkeypatch.setattr(router.bus, "_client", bus)
    monkeypatch.setattr(router.bus, "_pause", lambda _: None)
    ticks = iter(range(1000))
    monkeypatch.setattr(router.bus, "_clock", lambda: next(ticks))
    return router


def test_the_log_goes_to_the_bus_and_its_head_does_not(
    router: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    bus = Bus()
    head = stream_record(EVENTS, {"pk": "head#acme", "sk": "head", "kind": "head", "next": 3})

    # When
    answer = given(on(router, monkeypatch, bus), logged(1), head, logged(2))

    # Then
    assert answer == DONE
    assert bus.taken == ["item_1", "item_2"]


def test_the_stream_goes_on_from_the_first_event_that_still_fails(
    router: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    bus = Bus(item_2="InternalFailure", item_4="ThrottlingException")
    records = [logged(number) for number in range(1, 6)]

    # When
    answer = given(on(router, monkeypatch, bus), *records)

    # Then
    assert answer == again_from(records[1])
    assert bus.taken == ["item_1", "item_3", "item_5"]


def test_an_event_that_the_bus_refuses_is_a_dead_letter(
    router: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    bus = Bus(item_2="MalformedDetail")
    records = [logged(number) for number in range(1, 4)]

    # When
    answer = given(on(router, monkeypatch, bus), *records)

    # Then
    assert answer == DONE
    assert bus.taken == ["item_1", "item_3"]
    assert letters() == [("the bus refused the event: MalformedDetail: no", records[1])]


def test_a_refused_event_behind_a_failed_one_is_given_up_when_it_comes_again(
    router: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [logged(1), logged(2)]
    bus = Bus(item_1="InternalFailure", item_2="MalformedDetail")
    assert given(on(router, monkeypatch, bus), *records) == again_from(records[0])
    assert letters() == []


def test_a_bus_that_is_away_gets_everything_later(
    router: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [logged(number) for number in range(1, 4)]
    away = Bus(item_1=EndpointConnectionError(endpoint_url="http://events"))
    assert given(on(router, monkeypatch, away), *records) == again_from(records[0])


def test_a_denied_permission_stays_visible(router: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutEvents")
    with pytest.raises(ClientError):
        given(on(router, monkeypatch, Bus(item_1=denied)), logged(1))
