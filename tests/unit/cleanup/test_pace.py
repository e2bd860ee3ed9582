"""A pace: never faster on average, and no debt from what was not used."""

from __future__ import annotations

from itemstream.cleanup.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def test_what_is_spent_takes_its_time() -> None:
    # Given
    clock = Clock()
    pace = Pace(100, clock=clock, pause=clock.pause)

    # When
    for _ in range(50):
        pace.spend(10)

    # Then
    assert round(clock.now, 6) == 5


def test_time_that_was_not_used_is_caught_up_with_for_a_second_only() -> None:
    # Given
    clock = Clock()
    pace = Pace(100, clock=clock, pause=clock.pause)
    clock.now = 3600

    # When
    for _ in range(20):
        pace.spend(10)

    # Then
    assert round(clock.now, 6) == 3601
