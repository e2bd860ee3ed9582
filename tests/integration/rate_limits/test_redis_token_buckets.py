"""Rate limits on a real Redis: many callers at once, and what an outage costs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock, call

import psutil
import pytest
import redis

from itemstream.cache.connection import CacheSettings, connect
from itemstream.dependencies.circuit_breaker import CircuitBreaker
from itemstream.rate_limits import redis_token_buckets
from itemstream.rate_limits.redis_token_buckets import RedisTokenBuckets
from itemstream.rate_limits.token_bucket import RateLimit
from tests.fakes.redis_server import free_port, redis_server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen

PORT = free_port()
# Nothing comes back while a test lasts.
LIMIT = RateLimit("reports", requests=40, seconds=40_000)
BUSY_MACHINE_SECONDS = 0.25


@pytest.fixture(scope="module")
def server() -> Iterator[Popen[bytes]]:
    with redis_server(PORT) as process:
        yield process


@pytest.fixture(autouse=True)
def client(server: Popen[bytes]) -> Iterator[redis.Redis]:
    with redis.Redis("127.0.0.1", PORT, protocol=2, decode_responses=True) as client:
        client.flushall()
        client.script_flush()
        yield client


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time."""
    monkeypatch.setattr(redis_token_buckets, "DEADLINE_SECONDS", 10)


def environment(limit: RateLimit = LIMIT, **options: Any) -> RedisTokenBuckets:
    """Make what one execution environment has."""
    client = connect(CacheSettings(f"redis://127.0.0.1:{PORT}/0"))
    return RedisTokenBuckets(limit, client, **options)


def let_in(buckets: RedisTokenBuckets, tenant: str, times: int) -> int:
    standings = [buckets.take(tenant) for _ in range(times)]
    assert None not in standings
    return sum(standing.taken for standing in standings if standing)


@pytest.mark.usefixtures("patient")
def test_many_callers_at_once_get_what_there_is_and_no_more() -> None:
    # Given
    environments = [environment() for _ in range(8)]

    # When
    with ThreadPoolExecutor(len(environments)) as pool:
        taken = list(pool.map(lambda buckets: let_in(buckets, "acme", 10), environments))

    # Then
    assert sum(taken) == LIMIT.requests


@pytest.mark.usefixtures("patient")
def test_tenants_and_limits_share_nothing() -> None:
    assert let_in(environment(), "acme", 50) == 40
    assert let_in(environment(), "globex", 50) == 40
    assert let_in(environment(RateLimit("tickets", 40, 40_000)), "acme", 50) == 40


@pytest.mark.usefixtures("patient")
def test_tokens_come_back_by_the_clock_of_redis() -> None:
    # Given a bucket of one, which is empty
    buckets = environment(RateLimit("reports", 1, 1))
    assert let_in(buckets, "acme", 1) == 1
    started = time.monotonic()
    refused = buckets.take("acme")
    assert refused
    assert not refused.taken
    assert refused.next_token_seconds == 1

    # Then it fills in a second
    eventually(lambda: let_in(buckets, "acme", 1), within=10, what="the token to come back")
    assert time.monotonic() - started > 0.5


@pytest.mark.usefixtures("patient")
def test_a_redis_that_forgot_the_script_is_told_it_again(client: redis.Redis) -> None:
    buckets = environment()
    for _ in range(3):
        assert let_in(buckets, "acme", 1) == 1
        client.script_flush()
    client.config_resetstat()
    assert let_in(buckets, "acme", 5) == 5
    # Once told, it is sent by its hash alone
    statistics = client.info("commandstats")
    assert statistics["cmdstat_evalsha"]["calls"] == 5
    assert statistics["cmdstat_eval"]["calls"] == 1


def test_a_frozen_redis_costs_a_moment_and_is_left_alone(
    server: Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given somebody whose bucket is empty
    counted = Mock()
    monkeypatch.setattr(redis_token_buckets, "count", counted)
    clock = Mock(return_value=0)
    buckets = environment(RateLimit("reports", 1, 40_000), breaker=CircuitBreaker(clock=clock))
    eventually(lambda: buckets.take("acme"), what="Redis to answer")

    # When Redis freezes, then everybody is let in, and after three attempts it is not asked
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        for _ in range(3):
            started = time.monotonic()
            assert buckets.take("acme") is None
            assert time.monotonic() - started < BUSY_MACHINE_SECONDS
        started = time.monotonic()
        assert [buckets.take("acme") for _ in range(1000)] == [None] * 1000
        assert time.monotonic() - started < BUSY_MACHINE_SECONDS
    finally:
        process.resume()

    # Then it is known how many were not judged
    assert counted.mock_calls.count(call("RateLimitOpen")) >= 1003

    # When it is back, then what was taken is still taken
    def refused() -> bool:
        clock.return_value += 10
        standing = buckets.take("acme")
        return standing is not None and not standing.taken

    eventually(refused, what="the limit to hold again")


def test_a_redis_without_memory_lets_everybody_in(client: redis.Redis) -> None:
    buckets = environment(breaker=CircuitBreaker(threshold=1000))
    eventually(lambda: buckets.take("acme"), what="Redis to answer")

    # When
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")
    try:
        assert [buckets.take("acme") for _ in range(3)] == [None] * 3
    finally:
        client.config_set("maxmemory", "0")

    # Then
    eventually(lambda: buckets.take("acme"), what="Redis to answer again")


def test_a_redis_that_is_gone_lets_everybody_in_until_it_is_back() -> None:
    # Given a Redis of its own, on another port
    port = free_port()
    clock = Mock(return_value=0)
    client = connect(CacheSettings(f"redis://127.0.0.1:{port}/0"))
    buckets = RedisTokenBuckets(LIMIT, client, CircuitBreaker(clock=clock))
    buckets.connect()
    assert [buckets.take("acme") for _ in range(5)] == [None] * 5

    def answers() -> bool:
        clock.return_value += 10
        return buckets.take("acme") is not None

    with redis_server(port):
        eventually(answers, what="Redis to be used")
    assert buckets.take("acme") is None


def test_what_no_time_out_of_the_client_ends_is_not_waited_for() -> None:
    # Given a name server that does not answer
    answered = Event()
    client = Mock(spec=redis.Redis)
    client.evalsha.side_effect = lambda *_: answered.wait(10) and [1, 1000]
    clock = Mock(return_value=0)
    buckets = RedisTokenBuckets(LIMIT, client, CircuitBreaker(clock=clock))

    # When
    try:
        for _ in range(3):
            started = time.monotonic()
            assert buckets.take("acme") is None
            assert time.monotonic() - started < BUSY_MACHINE_SECONDS
    finally:
        answered.set()

    # Then what was not waited for does not hold up what comes next
    clock.return_value += 10
    eventually(lambda: buckets.take("acme"), what="Redis to answer")
    assert client.evalsha.call_count < 4 + 1 + 3
