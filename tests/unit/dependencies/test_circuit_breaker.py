"""When a dependency that fails is asked again."""

from __future__ import annotations

import pytest

from itemstream.dependencies.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(threshold=3, pause=1, longest_pause=4, clock=clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_a_few_failures_are_forgiven(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert breaker.allows()
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.allows()
    assert not breaker.is_open


def test_failures_in_a_row_open_the_circuit(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    assert breaker.is_open
    assert not breaker.allows()
    clock.now = 0.99
    assert not breaker.allows()
    clock.now = 1
    assert breaker.allows()


def test_a_probe_that_works_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now = 1
    breaker.succeeded()
    assert breaker.allows()
    assert not breaker.is_open


def test_probes_that_fail_come_ever_later_but_not_too_late(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker, 3)
    for pause in (1, 2, 4, 4, 4):
        clock.now += pause - 0.01
        assert not breaker.allows()
        clock.now += 0.01
        assert breaker.allows()
        breaker.failed()

    # When it worked again, then the pauses start over
    breaker.succeeded()
    fail(breaker, 3)
    clock.now += 1
    assert breaker.allows()
