"""Token buckets in Redis, for all execution environments together.

One script reads Redis's own clock, decides, and keeps the result, so that neither callers at the
same time nor their clocks matter. A bucket is a key that expires when the bucket is full.

Whoever cannot ask Redis in time is not held to the limit: that it is down must not take the API
with it. What that costs is bounded by the gateway's throttle and by reserved concurrency.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha1
from typing import TYPE_CHECKING

import redis

from itemstream.dependencies.circuit_breaker import CircuitBreaker
from itemstream.observability.metrics import count
from itemstream.observability.traces import subsegment
from itemstream.rate_limits.token_bucket import Standing

if TYPE_CHECKING:
    from itemstream.rate_limits.token_bucket import RateLimit

__all__ = ["RedisTokenBuckets"]

DEADLINE_SECONDS = 0.05
# Once for each environment, when it starts; ten times what it takes.
CONNECT_SECONDS = 0.25

# KEYS: the bucket, as the microsecond at which it is full. ARGV: interval and window of the limit.
# Answers whether a token was taken, and the microseconds that the bucket then lacks. Numbers of
# this size are exact in Lua, and written in full by string.format alone.
TAKE = """
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = tonumber(redis.call('GET', KEYS[1])) or now
-- A bucket emptier than empty: the clock was put back, or the limit was changed.
local missing = math.min(math.max(full_at - now, 0), window)
local taken = 0
if missing + interval <= window then
  missing = missing + interval
  taken = 1
end
if now + missing ~= full_at then
  redis.call('SET', KEYS[1], string.format('%.0f', now + missing), 'PX', math.ceil(missing / 1000))
end
return {taken, missing}
"""
# Redis knows scripts by this hash; it is no secret's.
TAKE_SHA1 = sha1(TAKE.encode(), usedforsecurity=False).hexdigest()


class RedisTokenBuckets:
    """
    The buckets of one limit.

    Parameters
    ----------
    limit
        What each tenant is held to.
    client
        Redis client with short time-outs.
    breaker
        Decides when Redis is worth asking.
    """

    def __init__(
        self, limit: RateLimit, client: redis.Redis, breaker: CircuitBreaker | None = None
    ) -> None:
        self._limit = limit
        self._client = client
        self._breaker = breaker or CircuitBreaker()
        # The client's time-outs hold for each step of a connection (name, TCP, TLS, login, answer);
        # only a thread that is not waited for holds for all together.
        self._worker = ThreadPoolExecutor(1, "rate-limit")

    def take(self, tenant: str) -> Standing | None:
        """Take a token; ``None``, within 50 ms, when Redis does not say."""
        answer = self._ask(tenant) if self._breaker.allows() else None
        if answer is None:
            count("RateLimitOpen")
            return None
        taken, missing = answer
        return Standing(self._limit, bool(taken), missing)

    def connect(self) -> None:
        """Connect ahead of the first request, so that this waits for one answer only."""
        with suppress(redis.RedisError, TimeoutError):
            self._worker.submit(self._client.ping).result(CONNECT_SECONDS)

    def _ask(self, tenant: str) -> tuple[int, int] | None:
        with subsegment("Redis"):
            asked = self._worker.submit(self._run, tenant)
            try:
                taken, missing = asked.result(DEADLINE_SECONDS)
            except (redis.RedisError, TimeoutError):
                # What the worker has not begun would only hold up what comes next.
                asked.cancel()
                self._breaker.failed()
                return None
        self._breaker.succeeded()
        return taken, missing

    def _run(self, tenant: str) -> tuple[int, int]:
        key = f"itemstream:rate-limit:{self._limit.name}:{tenant}"
        arguments = (1, key, self._limit.interval, self._limit.window)
        try:
            taken, missing = self._client.evalsha(TAKE_SHA1, *arguments)
        except redis.exceptions.NoScriptError:
            taken, missing = self._client.eval(TAKE, *arguments)
        return int(taken), int(missing)
