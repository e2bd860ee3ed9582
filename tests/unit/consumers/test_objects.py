"""Notifications of S3: what was created, and what becomes of what cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itemstream.consumers.objects import ObjectCreated, object_handler
from itemstream.dead_letters import Refused
from tests.fakes.event_sources import object_created
from tests.unit.consumers.conftest import body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.gateway import LambdaContext


@pytest.mark.parametrize(
    "key",
    ["calls/acme/a.json", "calls/acme/a b+c%.json", "calls/acme/größe 100%/日本.jsonl", "../x"],
)
def test_a_key_is_read_as_it_was_given(
    dead_letter_queue: str, context: LambdaContext, key: str
) -> None:
    # Given
    seen: list[ObjectCreated] = []

    # When
    object_handler(seen.append)({"Records": [object_created("landing", key, size=7)]}, context)

    # Then
    assert seen == [ObjectCreated("landing", key, "v1", 7, "e", "2026-11-21T06:00:00.000Z")]


def test_every_record_of_an_event_is_consumed(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    # Given
    seen: list[ObjectCreated] = []
    event = {"Records": [object_created("landing", key) for key in ("a", "b")]}

    # When
    object_handler(seen.append)(event, context)

    # Then
    assert [created.key for created in seen] == ["a", "b"]


def test_a_refused_object_is_a_dead_letter_and_the_next_one_is_consumed(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    seen: list[ObjectCreated] = []
    event = {"Records": [object_created("landing", key) for key in ("bad", "good")]}

    def consume(created: ObjectCreated) -> None:
        if created.key == "bad":
            raise Refused("no tenant in the key")
        seen.append(created)

    # When
    object_handler(consume)(event, context)

    # Then
    (letter,) = letters()
    assert letter["Kind"] == "event"
    assert letter["Reason"] == "no tenant in the key"
    assert letter["Source"] == "arn:aws:s3:::landing"
    assert body_of(letter) == {"Records": [event["Records"][0]]}
    assert [created.key for created in seen] == ["good"]


def test_another_error_fails_the_invocation_so_that_lambda_tries_again(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    def consume(created: ObjectCreated) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        object_handler(consume)({"Records": [object_created("landing", "a")]}, context)


@pytest.mark.parametrize("record", [{}, {"s3": {}}, None, {"s3": {"bucket": None}}])
def test_what_is_no_notification_is_a_dead_letter(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext, record: Any
) -> None:
    # When
    object_handler(lambda _: None)({"Records": [record]}, context)

    # Then
    (letter,) = letters()
    assert letter["Reason"].startswith("not a notification of S3")


def test_the_message_that_s3_sends_as_a_test_is_passed_over(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # When
    object_handler(lambda _: None)({"Service": "Amazon S3", "Event": "s3:TestEvent"}, context)

    # Then
    assert letters() == []
