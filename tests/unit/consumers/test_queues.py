"""Messages of a queue: each for itself, later each time, and never without a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from itemstream.config import ConfigurationError
from itemstream.consumers.queues import queue_handler
from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from tests.fakes.event_sources import queue_message
from tests.fakes.gateway import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.consumers.queues import QueueMessage

QUEUE = "notifications"


@dataclass(frozen=True)
class ElapsingContext:
    """Lambda's context while time goes by: each look finds the next of these."""

    remaining_milliseconds: list[int]
    function_name: str = "itemstream-test-consumer"
    function_version: str = "7"
    aws_request_id: str = "6f9c2a52-5a7c-4f0e-b0a7-0f8f5d0c1e2d"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds.pop(0)


@pytest.fixture(autouse=True)
def five_receives(monkeypatch: pytest.MonkeyPatch, dead_letter_queue: str) -> None:
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "5")
    aws_client("sqs").create_queue(QueueName=QUEUE)


def consume(message: QueueMessage) -> None:
    if message.body == "poison":
        raise Refused("it is poison")
    if message.body == "outage":
        raise DependencyUnavailable("SNS")
    if message.body == "bug":
        raise KeyError("secret content")


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_each_message_stands_for_itself(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    bodies = ["fine", "poison", "outage", "bug", "fine"]
    records = [queue_message(body, tenant="acme") for body in bodies]

    # When
    answer = queue_handler(consume)({"Records": records}, context)

    # Then
    assert failures(answer) == [records[2]["messageId"], records[3]["messageId"]]
    (letter,) = letters()
    assert letter["body"] == "poison"
    assert letter["Reason"] == "it is poison"
    assert letter["Kind"] == "queue-message"
    assert letter["Source"].endswith(f":{QUEUE}")
    assert letter["tenant"] == "acme"


def test_a_whole_batch_may_fail_without_failing_the_function(context: LambdaContext) -> None:
    # Given
    records = [queue_message("outage"), queue_message("bug")]

    # When
    answer = queue_handler(consume)({"Records": records}, context)

    # Then
    assert failures(answer) == [record["messageId"] for record in records]


def test_the_last_attempt_ends_in_a_dead_letter_that_says_why(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    records = [queue_message("outage", receives=5), queue_message("outage", receives=4)]

    # When
    answer = queue_handler(consume)({"Records": records}, context)

    # Then
    assert failures(answer) == [records[1]["messageId"]]
    (letter,) = letters()
    assert letter["Reason"] == (
        "failed 5 times, at last with DependencyUnavailable: SNS is not available"
    )


def test_a_dead_letter_that_cannot_be_kept_leaves_the_message_in_its_queue(
    context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("DEAD_LETTERS_QUEUE", "there-is-no-such-queue")
    record = queue_message("poison")

    # When
    answer = queue_handler(consume)({"Records": [record]}, context)

    # Then
    assert failures(answer) == [record["messageId"]]


def test_what_failed_comes_back_later_each_time(
    context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    changed: list[dict[str, Any]] = []

    def change(Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        changed.extend(Entries)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    monkeypatch.setattr(aws_client("sqs"), "change_message_visibility_batch", change)
    records = [queue_message("outage", receives=receives) for receives in (1, 2, 3, 4)]

    # When
    queue_handler(consume)({"Records": records}, context)

    # Then
    for entry, record, longest in zip(changed, records, (2, 4, 8, 16), strict=True):
        assert entry["ReceiptHandle"] == record["receiptHandle"]
        assert longest / 2 <= entry["VisibilityTimeout"] <= longest


def test_with_half_the_time_used_up_only_what_cannot_wait_is_begun(
    letters: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given messages of which the first takes more than half the time
    context = ElapsingContext(remaining_milliseconds=[9_000, 4_000, 4_000, 4_000])
    seen: list[str] = []
    records = [
        queue_message("first"),
        queue_message("second"),
        queue_message("last attempt", receives=5),
    ]

    # When
    answer = queue_handler(lambda message: seen.append(message.body))({"Records": records}, context)

    # Then
    assert seen == ["first", "last attempt"]
    assert failures(answer) == [records[1]["messageId"]]
    assert letters() == []


def test_a_message_is_begun_however_short_the_time_is(context: LambdaContext) -> None:
    # Given
    seen: list[str] = []

    # When
    answer = queue_handler(lambda message: seen.append(message.body))(
        {"Records": [queue_message("first")]}, LambdaContext(remaining_milliseconds=100)
    )

    # Then
    assert seen == ["first"]
    assert failures(answer) == []


def test_a_log_line_says_what_failed_and_where_but_not_its_content(
    context: LambdaContext, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    queue_handler(consume)({"Records": [queue_message("bug")]}, context)

    # Then
    (line,) = [line for line in log() if line.get("message") == "message failed"]
    assert line["error"] == "KeyError"
    assert "test_queues.py" in line["stack"][-1]
    assert "secret content" not in str(line)


def test_the_log_of_a_dead_letter_quotes_nothing_of_the_error(
    context: LambdaContext, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    queue_handler(consume)({"Records": [queue_message("bug", receives=5)]}, context)

    # Then
    lines = log()
    (line,) = [line for line in lines if line.get("message") == "given up"]
    assert line["kind"] == "queue-message"
    assert "secret content" not in str(lines)


def test_without_a_limit_of_attempts_there_is_no_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.delenv("MAX_RECEIVE_COUNT")

    # When / Then
    with pytest.raises(ConfigurationError, match="MAX_RECEIVE_COUNT"):
        queue_handler(consume)
