"""A tenant is never let in more often than its limit says, and never less often.

The script runs in a real Redis, with the test's clock in the place of Redis's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from itemstream.rate_limits.redis_token_buckets import TAKE
from itemstream.rate_limits.token_bucket import RateLimit, Standing

if TYPE_CHECKING:
    import redis

BEGINNING = 1_790_000_000_000_000
ON_OUR_CLOCK = TAKE.replace("redis.call('TIME')", "{ARGV[3], ARGV[4]}")

limits = st.builds(
    RateLimit, st.just("reports"), requests=st.integers(1, 20), seconds=st.integers(1, 3600)
)
tenants = st.sampled_from(["acme", "globex"])
# How much of a token comes back between two requests: mostly less than one, sometimes all.
pauses = st.one_of(
    st.just(Fraction(0)),
    st.fractions(0, 2, max_denominator=7),
    st.fractions(0, 25, max_denominator=3),
)


@dataclass
class Bucket:
    """A bucket as it is told to children: tokens drip in, requests take them out."""

    limit: RateLimit
    tokens: Fraction
    touched: int

    def take(self, now: int) -> bool:
        dripped = Fraction(now - self.touched, self.limit.interval)
        self.tokens = min(self.tokens + dripped, Fraction(self.limit.requests))
        self.touched = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Model:
    limit: RateLimit
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def bucket(self, tenant: str) -> Bucket:
        full = Bucket(self.limit, Fraction(self.limit.requests), BEGINNING)
        return self.buckets.setdefault(tenant, full)


def take(client: redis.Redis, limit: RateLimit, tenant: str, now: int) -> Standing:
    arguments = (limit.interval, limit.window, now // 1_000_000, now % 1_000_000)
    taken, missing = client.eval(ON_OUR_CLOCK, 1, tenant, *arguments)
    # Redis's own clock does not stand still: what has expired by it was touched long ago by ours.
    client.persist(tenant)
    return Standing(limit, bool(taken), missing)


def test_the_script_is_the_one_that_functions_run() -> None:
    assert ON_OUR_CLOCK != TAKE


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(limit=limits, requests=st.lists(st.tuples(tenants, pauses), max_size=60))
def test_requests_are_let_in_as_by_a_bucket(
    redis_client: redis.Redis, limit: RateLimit, requests: list[tuple[str, Fraction]]
) -> None:
    redis_client.flushdb()
    model, now = Model(limit), BEGINNING
    let_in: dict[str, list[int]] = {}
    for tenant, pause in requests:
        now += int(pause * limit.interval)
        standing = take(redis_client, limit, tenant, now)

        # Then they agree, on what is left too
        bucket = model.bucket(tenant)
        assert standing.taken == bucket.take(now)
        assert standing.remaining == int(bucket.tokens)
        lacking = (1 - bucket.tokens % 1) * limit.interval
        assert 0 <= standing.next_token_seconds - lacking / 1_000_000 < 1
        if standing.taken:
            let_in.setdefault(tenant, []).append(now)

    # Then in no span of time a tenant had more than what may come at once and what came back
    for times in let_in.values():
        for first, last in combinations(range(len(times)), 2):
            passed = Fraction(times[last] - times[first], 1_000_000)
            most = limit.requests + passed * limit.requests / limit.seconds
            assert last - first + 1 <= most


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=limits, back=st.integers(0, 10**13), taken=st.integers(1, 25))
def test_a_clock_that_is_put_back_costs_one_token_at_most_to_wait_for(
    redis_client: redis.Redis, limit: RateLimit, back: int, taken: int
) -> None:
    # Given
    redis_client.flushdb()
    for _ in range(taken):
        take(redis_client, limit, "acme", BEGINNING)

    # When
    now = BEGINNING - back
    take(redis_client, limit, "acme", now)

    # Then
    assert take(redis_client, limit, "acme", now + limit.interval).taken


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=limits, after=limits)
def test_a_limit_that_is_changed_holds_at_once(
    redis_client: redis.Redis, before: RateLimit, after: RateLimit
) -> None:
    # Given a bucket that is empty
    redis_client.flushdb()
    while take(redis_client, before, "acme", BEGINNING).taken:
        pass

    # When the limit is another, then nobody waits for longer than it says
    standing = take(redis_client, after, "acme", BEGINNING)
    assert standing.remaining <= after.requests
    assert take(redis_client, after, "acme", BEGINNING + after.interval).taken


@pytest.mark.parametrize("seconds", [1, 60, 3600])
def test_a_bucket_is_forgotten_when_it_is_full(redis_client: redis.Redis, seconds: int) -> None:
    redis_client.flushdb()
    limit = RateLimit("reports", 10, seconds)
    taken, _ = redis_client.eval(TAKE, 1, "acme", limit.interval, limit.window)
    assert taken
    assert 0 < redis_client.pttl("acme") <= seconds * 100
