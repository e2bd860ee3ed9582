"""Batches of a queue's messages: together where it can be, and never at their neighbours' cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from itemstream.consumers.queue_batches import queue_batch_handler
from itemstream.dependencies import DependencyUnavailable
from tests.fakes.event_sources import queue_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.consumers.queue_messages import QueueMessage
    from tests.fakes.gateway import LambdaContext

QUEUE = "report-events"


@pytest.fixture(autouse=True)
def changed(monkeypatch: pytest.MonkeyPatch, dead_letter_queue: str) -> list[dict[str, Any]]:
    """Return the list to which each change of a visibility is added."""
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "5")
    changes: list[dict[str, Any]] = []

    def change(Entries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        assert len(Entries) <= 10
        changes.extend(Entries)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    client = aws_client("sqs")
    client.create_queue(QueueName=QUEUE)
    monkeypatch.setattr(client, "change_message_visibility_batch", change)
    return changes


class Store:
    """Takes batches whole, unless there is a message in them that it cannot bear."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.batches: list[int] = []

    def consume(self, messages: list[QueueMessage]) -> dict[str, str]:
        self.batches.append(len(messages))
        bodies = [message.body for message in messages]
        for body in bodies:
            if body == "outage":
                raise DependencyUnavailable("MySQL")
            if body == "bug":
                raise KeyError("secret content")
        self.kept += [body for body in bodies if body != "poison"]
        return {one.id: "it is poison" for one in messages if one.body == "poison"}


def handled(
    context: LambdaContext, *bodies: str, receives: int = 1
) -> tuple[Store, list[dict[str, Any]], list[str]]:
    store = Store()
    records = [queue_message(body, queue=QUEUE, receives=receives) for body in bodies]
    answer = queue_batch_handler(store.consume)({"Records": records}, context)
    return store, records, [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_batch_is_consumed_at_once(context: LambdaContext, changed: list[Any]) -> None:
    # When
    store, _, failures = handled(context, *map(str, range(200)))

    # Then
    assert store.batches == [200]
    assert failures == []
    assert changed == []


def test_a_refused_message_is_a_dead_letter_and_all_others_are_done(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # When
    store, _, failures = handled(context, "a", "poison", "b")

    # Then
    assert store.batches == [3]
    assert store.kept == ["a", "b"]
    assert failures == []
    (letter,) = letters()
    assert (letter["body"], letter["Reason"]) == ("poison", "it is poison")
    assert letter["Kind"] == "queue-message"
    assert letter["Source"].endswith(f":{QUEUE}")


def test_a_message_that_makes_the_batch_fail_is_found_and_its_neighbours_are_done(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # When
    store, records, failures = handled(context, *"abc", "bug", *"defghi", "bug", "j")

    # Then
    assert store.kept == list("abcdefghij")
    assert failures == [records[3]["messageId"], records[10]["messageId"]]
    assert letters() == []


def test_at_the_last_receive_what_fails_alone_is_a_dead_letter(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # When
    _, _, failures = handled(context, "a", "bug", receives=5)

    # Then
    assert failures == []
    (letter,) = letters()
    assert letter["Reason"] == "failed 5 times, at last with KeyError: 'secret content'"


@pytest.mark.parametrize("receives", [1, 5, 900])
def test_what_waits_for_a_dependency_comes_back_however_often_it_came(
    letters: Callable[[], list[dict[str, Any]]],
    context: LambdaContext,
    changed: list[dict[str, Any]],
    receives: int,
) -> None:
    # When
    store, records, failures = handled(context, *["outage"] * 25, receives=receives)

    # Then
    assert store.batches == [25]
    assert failures == [record["messageId"] for record in records]
    assert letters() == []
    assert [one["ReceiptHandle"] for one in changed] == [one["receiptHandle"] for one in records]
    longest = min(2 * 2 ** (receives - 1), 300)
    assert all(longest / 2 <= one["VisibilityTimeout"] <= longest for one in changed)


def test_a_dependency_that_goes_away_while_a_culprit_is_sought_loses_nothing(
    context: LambdaContext,
) -> None:
    # When the outage begins with the second half
    store, records, failures = handled(context, "bug", "a", "b", "outage", "c", "d")

    # Then
    assert store.kept == ["a", "b"]
    assert failures == [records[n]["messageId"] for n in (0, 3, 4, 5)]


def test_a_dead_letter_that_cannot_be_kept_leaves_the_message_in_its_queue(
    context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("DEAD_LETTERS_QUEUE", "there-is-no-such-queue")

    # When
    _, records, failures = handled(context, "a", "poison", "b")

    # Then
    assert failures == [records[1]["messageId"]]


def test_a_log_line_says_what_failed_and_where_but_not_its_content(
    context: LambdaContext, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    handled(context, "bug")

    # Then
    (line,) = [line for line in log() if line.get("message") == "message failed"]
    assert line["error"] == "KeyError"
    assert "test_queue_batches.py" in line["stack"][-1]
    assert "secret content" not in str(line)
