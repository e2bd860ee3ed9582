"""A batch of stream records: done, done in part, or given up one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itemstream.consumers.streams import BatchInterrupted, refuse, stream_handler
from itemstream.dependencies import DependencyUnavailable
from tests.fakes.event_sources import stream_record
from tests.fakes.tables import ITEMS
from tests.unit.consumers.conftest import body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.dynamodb.streams import StreamRecord
    from tests.fakes.gateway import LambdaContext

DONE: dict[str, Any] = {"batchItemFailures": []}


def batch(count: int = 3) -> dict[str, Any]:
    return {"Records": [stream_record(ITEMS, {"pk": "acme#0", "sk": str(n)}) for n in range(count)]}


def sequence_number(event: dict[str, Any], index: int) -> str:
    return str(event["Records"][index]["dynamodb"]["SequenceNumber"])


def test_records_are_consumed_in_their_order(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    seen: list[StreamRecord] = []

    # When
    answer = stream_handler(seen.extend)(batch(), context)

    # Then
    assert answer == DONE
    assert [record.keys["sk"] for record in seen] == ["0", "1", "2"]
    assert letters() == []


def test_a_malformed_record_is_a_dead_letter_with_its_reason_and_the_rest_goes_on(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    event = batch()
    del event["Records"][1]["dynamodb"]["Keys"]
    seen: list[StreamRecord] = []

    # When
    answer = stream_handler(seen.extend)(event, context)

    # Then
    assert answer == DONE
    assert [record.keys["sk"] for record in seen] == ["0", "2"]
    (letter,) = letters()
    assert body_of(letter) == event["Records"][1]
    assert letter["Kind"] == "stream-record"
    assert "Keys" in letter["Reason"]
    assert letter["Source"] == event["Records"][1]["eventSourceARN"]
    assert letter["Function"] == "itemstream-test-consumer"
    assert letter["FailedAt"].endswith("+00:00")


@pytest.mark.parametrize("rubbish", [None, "text", 7, [], {}])
def test_a_record_that_is_no_object_is_a_dead_letter_too(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext, rubbish: Any
) -> None:
    # When
    answer = stream_handler(lambda _: None)({"Records": [rubbish]}, context)

    # Then
    assert answer == DONE
    assert [body_of(letter) for letter in letters()] == [rubbish]


def test_a_refused_record_is_a_dead_letter(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    event = batch()

    # When
    answer = stream_handler(lambda records: refuse(records[1], "it is odd"))(event, context)

    # Then
    assert answer == DONE
    (letter,) = letters()
    assert letter["Reason"] == "it is odd"
    assert body_of(letter) == event["Records"][1]


def test_a_record_that_is_larger_than_a_message_is_kept_by_its_key(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given a record that no message of SQS can hold
    row = {"pk": "acme#0", "sk": "1", "text": "ü" * 150_000}
    event = {"Records": [stream_record(ITEMS, row)]}

    # When
    answer = stream_handler(lambda records: refuse(records[0], "it is odd"))(event, context)

    # Then
    assert answer == DONE
    (letter,) = letters()
    kept = body_of(letter)["dynamodb"]
    assert kept["Keys"] == {"pk": {"S": "acme#0"}, "sk": {"S": "1"}}
    assert "NewImage" not in kept
    assert letter["Trimmed"] == "true"
    assert letter["Reason"] == "it is odd"


def test_an_interrupted_batch_goes_on_from_its_record(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    # Given
    event = batch()

    def consume(records: list[StreamRecord]) -> None:
        raise BatchInterrupted(records[2], "DynamoDB is not available")

    # When
    answer = stream_handler(consume)(event, context)

    # Then
    assert answer == {"batchItemFailures": [{"itemIdentifier": sequence_number(event, 2)}]}


def test_an_outage_brings_the_whole_batch_back_even_behind_a_malformed_record(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    # Given
    event = batch()
    event["Records"][0]["eventName"] = "RENAME"

    def consume(records: list[StreamRecord]) -> None:
        raise DependencyUnavailable("DynamoDB")

    # When
    answer = stream_handler(consume)(event, context)

    # Then
    assert answer == {"batchItemFailures": [{"itemIdentifier": sequence_number(event, 0)}]}


def test_a_dead_letter_that_cannot_be_kept_brings_the_batch_back(
    dead_letter_queue: str, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("DEAD_LETTERS_QUEUE", "there-is-no-such-queue")
    event = batch(1)
    event["Records"][0]["eventName"] = "RENAME"

    # When
    answer = stream_handler(lambda _: None)(event, context)

    # Then
    assert answer == {"batchItemFailures": [{"itemIdentifier": sequence_number(event, 0)}]}


def test_a_fault_of_ours_fails_the_invocation(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    # Given
    def consume(records: list[StreamRecord]) -> None:
        raise KeyError("a bug")

    # When / Then
    with pytest.raises(KeyError):
        stream_handler(consume)(batch(), context)


def test_an_empty_batch_is_done(dead_letter_queue: str, context: LambdaContext) -> None:
    assert stream_handler(lambda _: None)({"Records": []}, context) == DONE
