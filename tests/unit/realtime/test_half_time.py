"""The first half of an invocation's time."""

from __future__ import annotations

from typing import Any

from itemstream.realtime.half_time import HalfTime
from tests.fakes.gateway import LambdaContext
from tests.fakes.realtime import Clock


def test_it_is_over_after_half_of_what_remains_and_begins_anew_with_each_invocation() -> None:
    # Given
    clock = Clock()
    half_time = HalfTime(clock)
    answers: list[bool] = []

    @half_time.of_each_invocation
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        for seconds in event["work"]:
            clock.now += seconds
            answers.append(half_time.is_over())
        return event

    # When
    context = LambdaContext(remaining_milliseconds=60_000)
    for work in ([29, 2], [29, 2]):
        assert handler({"work": work}, context) == {"work": work}

    # Then
    assert answers == [False, True, False, True]


def test_outside_of_an_invocation_it_is_never_over() -> None:
    assert not HalfTime().is_over()
