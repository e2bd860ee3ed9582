"""Calls by the clock: when they were due, what they are told, and what cannot be a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.consumers.schedules import Scheduled, schedule_handler
from itemstream.dead_letters import Refused
from tests.unit.consumers.conftest import body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.gateway import LambdaContext

DUE = "2026-11-23T06:00:00Z"


def call(**changed: Any) -> dict[str, Any]:
    return {"schedule": "weekly", "scheduled_time": DUE, "input": {"dry_run": True}, **changed}


def test_a_call_says_when_it_was_due_and_what_is_asked(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    # Given
    seen: list[Scheduled] = []

    # When
    schedule_handler(seen.append)(call(), context)

    # Then
    (scheduled,) = seen
    assert scheduled.schedule == "weekly"
    assert scheduled.time == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert scheduled.input == {"dry_run": True}
    assert scheduled.remaining_seconds() == context.get_remaining_time_in_millis() / 1000


def test_an_operator_need_not_say_when_and_gets_the_answer(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    # Given
    seen: list[Scheduled] = []

    def run(scheduled: Scheduled) -> dict[str, int]:
        seen.append(scheduled)
        return {"removed": 3}

    # When
    answer = schedule_handler(run)({"schedule": "weekly"}, context)

    # Then
    assert answer == {"removed": 3}
    assert seen[0].input == {}
    assert abs(datetime.now(UTC) - seen[0].time) < timedelta(seconds=10)


def test_a_refused_call_is_a_dead_letter(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext
) -> None:
    # Given
    def run(scheduled: Scheduled) -> None:
        raise Refused("no such task")

    # When
    schedule_handler(run)(call(), context)

    # Then
    (letter,) = letters()
    assert (letter["Kind"], letter["Reason"], letter["Source"]) == (
        "event",
        "no such task",
        "weekly",
    )
    assert body_of(letter) == call()


def test_another_error_fails_the_invocation_so_that_lambda_tries_again(
    dead_letter_queue: str, context: LambdaContext
) -> None:
    def run(scheduled: Scheduled) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        schedule_handler(run)(call(), context)


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        call(schedule=7),
        call(input=["dry_run"]),
        call(scheduled_time="<aws.scheduler.scheduled-time>"),
        call(scheduled_time="2026-11-23T06:00:00"),
        call(scheduled_time=1795250000),
    ],
)
def test_what_is_no_call_by_a_schedule_is_a_dead_letter(
    letters: Callable[[], list[dict[str, Any]]], context: LambdaContext, event: Any
) -> None:
    # Given
    seen: list[Scheduled] = []

    # When
    schedule_handler(seen.append)(event, context)

    # Then
    assert seen == []
    (letter,) = letters()
    assert letter["Reason"].startswith("not a call by a schedule")
    assert body_of(letter) == event
