"""What is said of a part after some checks, and that only what lasts changes it."""

from __future__ import annotations

import pytest

from itemstream.health.model import Health, Measurement, State
from itemstream.health.states import after_check

TIMES = [f"2026-11-21T06:{minute:02}:00.000Z" for minute in range(60)]


def checked(*found: State, lasting: int = 3) -> list[Health]:
    """Return the health after each of some checks of one part."""
    known: list[Health] = []
    for at, state in zip(TIMES, found, strict=False):
        before = known[-1] if known else None
        reason = None if state == "up" else "no answer"
        measured = [Measurement("mysql", state, 5, reason)]
        known.append(after_check(before, measured, at, lasting=lasting))
    return known


def statuses(*found: State, lasting: int = 3) -> list[str]:
    return [health.parts["mysql"].status for health in checked(*found, lasting=lasting)]


def test_a_new_part_that_is_found_up_is_up_at_once() -> None:
    assert statuses("up") == ["up"]
    assert statuses("down", "down", "up") == ["unknown", "unknown", "up"]


def test_a_new_part_that_is_not_up_is_unknown_until_that_has_lasted() -> None:
    assert statuses("down", "down", "down") == ["unknown", "unknown", "down"]
    assert statuses("down", "degraded", "down")[-1] == "degraded"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["up", "down", "down", "up", "down", "down"], "up"),
        (["up", "down", "down", "down"], "down"),
        (["up", "down", "degraded", "down"], "degraded"),
        (["up", "degraded", "degraded", "degraded", "down", "down", "down"], "down"),
        (["up", "down", "down", "down", "up", "up"], "down"),
        (["up", "down", "down", "down", "up", "degraded", "up"], "degraded"),
        (["up", "down", "down", "down", "up", "up", "up"], "up"),
        (["up", "degraded", "degraded", "degraded", "up", "down", "up", "down"], "degraded"),
    ],
)
def test_a_change_counts_when_as_many_checks_bear_it_out(found: list[State], expected: str) -> None:
    assert statuses(*found)[-1] == expected


def test_a_change_is_dated_from_the_first_check_that_found_it() -> None:
    # When
    part = checked("up", "up", "down", "down", "down")[-1].parts["mysql"]

    # Then
    assert (part.status, part.since, part.checked_at) == ("down", TIMES[2], TIMES[4])
    assert part.reason == "no answer"


def test_a_part_that_stays_as_it_is_keeps_its_date() -> None:
    assert {health.parts["mysql"].since for health in checked(*["up"] * 9)} == {TIMES[0]}


def test_the_last_check_is_told_even_if_it_changes_nothing() -> None:
    part = checked("up", "down")[-1].parts["mysql"]
    assert (part.status, part.reason, part.checked_at) == ("up", "no answer", TIMES[1])


def test_a_part_that_is_asked_no_more_is_forgotten() -> None:
    before = checked("up")[-1]
    after = after_check(before, [Measurement("redis", "up", 1)], TIMES[1], lasting=3)
    assert after.parts.keys() == {"redis"}


def test_one_check_is_enough_where_it_is_said_to_be() -> None:
    assert statuses("up", "down", "up", lasting=1) == ["up", "down", "up"]
