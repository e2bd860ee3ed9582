"""Parts are asked side by side, each for its own time, and none takes the others with it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from itemstream.dependencies import DependencyUnavailable
from itemstream.health.model import Finding, Measurement
from itemstream.health.probes import Probe, call_in_thread, measure


def measured(*probes: Probe) -> tuple[dict[str, Measurement], list[tuple[Any, Exception]]]:
    errors: list[tuple[Any, Exception]] = []
    found = asyncio.run(measure(probes, lambda parts, error: errors.append((parts, error))))
    assert len({one.part for one in found}) == len(found)
    return {one.part: one for one in found}, errors


def refused() -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "of 10.0.0.7"}}, "GetItem")


def broken() -> None:
    raise RuntimeError("http://10.0.0.7:6379 is secret")


def away() -> None:
    raise DependencyUnavailable("MySQL")


@pytest.mark.parametrize(
    ("call", "state", "reason"),
    [
        (lambda: None, "up", None),
        (lambda: Finding("degraded", "late"), "degraded", "late"),
        (refused, "down", "fails with AccessDenied"),
        (broken, "down", "fails with RuntimeError"),
        (away, "down", "MySQL is not available"),
    ],
    ids=["up", "degraded", "refused", "broken", "away"],
)
def test_what_a_part_says_is_what_is_found(call: Any, state: str, reason: str | None) -> None:
    found, _ = measured(call_in_thread("redis", call, 5))
    assert (found["redis"].state, found["redis"].reason) == (state, reason)


def test_the_errors_of_a_part_are_handed_on_for_the_log() -> None:
    _, errors = measured(call_in_thread("redis", broken, 5), call_in_thread("s3", away, 5))
    ((parts, error),) = errors
    assert parts == ("redis",)
    assert "secret" in str(error)


def test_a_part_that_is_silent_is_given_up_and_the_others_are_heard() -> None:
    # Given
    async def never() -> dict[str, Finding]:
        await asyncio.Event().wait()
        return {}

    # When
    started = time.monotonic()
    found, errors = measured(
        Probe(("rest", "websocket"), never, 0.1),
        call_in_thread("redis", lambda: None, 5),
        Probe(("s3",), never, 0.2),
    )

    # Then
    assert time.monotonic() - started < 2
    for part in ("rest", "websocket"):
        assert (found[part].state, found[part].reason) == ("down", "no answer within 0.1 s")
        assert 90 <= found[part].latency_ms < 2000
    assert found["redis"].state == "up"
    assert errors == []


def test_parts_are_asked_at_the_same_time() -> None:
    # Given two that each wait for the other
    both = threading.Barrier(2, timeout=5)

    def meet() -> None:
        both.wait()

    # Then
    found, _ = measured(call_in_thread("s3", meet, 10), call_in_thread("sqs", meet, 10))
    assert {one.state for one in found.values()} == {"up"}


def test_a_part_that_the_environment_does_without_is_not_measured() -> None:
    async def ask() -> dict[str, Finding]:
        return {"mysql": Finding("up", None, 7)}

    found, _ = measured(Probe(("redis", "mysql"), ask, 5))
    assert found == {"mysql": Measurement("mysql", "up", 7)}
