"""A read-through cache of items in Redis, in front of any item repository.

What it promises, and how:

- *No stale item after an acknowledged write.* A writer first drops the cached value and raises a
  fence on the item (readers go past the cache and fill nothing), then writes, then lowers its
  fence. A fence that nobody lowers falls after 75 s, longer than any function lasts that writes
  items.
- *A value never replaces a newer one.* Who stores must hold the item's lease since before it read
  or wrote the table, and every writer takes the lease away, before and after its write. One Lua
  script compares and stores. Versions alone would not do: after a newer value was dropped, an
  older one that comes late has nothing to be compared with.
- *No stampede*: of many readers that miss, one gets the lease and loads; the others wait a moment
  for what it finds. (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.)
- *Redis away costs little and breaks nothing*: 50 ms time-outs, a circuit breaker, answers from the
  repository.
- *Nothing stale after an outage.* A value counts in the epoch it was stored in only. A writer that
  could not raise or lower its fence starts a new epoch before it answers, or else before it uses
  Redis again; so does whoever found the circuit open. And when no command has reached Redis for
  2 s, nobody can tell whether writers tried in vain, so the epoch ends by itself.

What remains: a writer that Redis did not hear twice, before and after its write, while others kept
talking to it without a gap of 2 s. Those may read a value from before that write, until that
writer's execution environment reaches Redis again, for 300 s at most. And a Redis that freezes for
less than 2 s may answer one of them before it has read what that writer sent it meanwhile.
"""

from __future__ import annotations

import json
import os
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import redis

from itemstream.cache.connection import CacheSettings, connect
from itemstream.config import from_environment
from itemstream.dependencies.circuit_breaker import CircuitBreaker
from itemstream.items.model import Item, ItemError, ItemNotFound
from itemstream.observability.metrics import count
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from itemstream.items.repository import ItemFilter, ItemPage, ItemRepository

__all__ = ["CachedItems", "cached"]

VALUE_SECONDS = 300
ABSENT_SECONDS = 5
FENCE_SECONDS = 75
QUIET_MILLISECONDS = 2000
LEASE_MILLISECONDS = 200
WAIT_SECONDS = 0.1
WAIT_STEP_SECONDS = 0.01

EPOCH_KEY = "itemstream:items:epoch"
ABSENT = ""
# No epoch has this name, so nothing is stored in it.
NO_EPOCH = ""

Written = TypeVar("Written", bound=Item | None)

# What every script begins with. KEYS: value, fence, lease, epoch. ARGV: the caller's token; the
# name of a new epoch, this call's own, as no epoch may come back; milliseconds that end an epoch.
_BEGIN = """
local value, fence, lease = KEYS[1], KEYS[2], KEYS[3]
local token = ARGV[1]
local epoch = redis.call('GET', KEYS[4]) or ARGV[2]
redis.call('SET', KEYS[4], epoch, 'PX', ARGV[3])
"""

# ARGV from 4: epoch, body, seconds to keep it.
_STORE = """
local function store()
  redis.call('HSET', value, 'epoch', epoch, 'body', ARGV[5])
  redis.call('EXPIRE', value, ARGV[6])
end
local mine = redis.call('GET', lease) == token and epoch == ARGV[4]
"""

# ARGV from 4: milliseconds of a lease. Answers hit|bypass|load|wait, the epoch, the body.
LOOK = f"""{_BEGIN}
if redis.call('EXISTS', fence) == 1 then return {{'bypass', epoch, ''}} end
local found = redis.call('HMGET', value, 'epoch', 'body')
if found[1] == epoch then return {{'hit', epoch, found[2]}} end
if redis.call('SET', lease, token, 'NX', 'PX', ARGV[4]) then return {{'load', epoch, ''}} end
return {{'wait', epoch, ''}}
"""

FILL = f"""{_BEGIN}{_STORE}
if mine then
  redis.call('DEL', lease)
  store()
end
return 1
"""

# ARGV from 4: seconds. Answers the epoch.
RAISE_FENCE = f"""{_BEGIN}
redis.call('DEL', value)
redis.call('SADD', fence, token)
redis.call('EXPIRE', fence, ARGV[4])
redis.call('SET', lease, token, 'EX', ARGV[4])
return epoch
"""

# Writers may overlap: none of them knows then whose version is the last, so nothing is stored.
LOWER_FENCE = f"""{_BEGIN}{_STORE}
redis.call('DEL', value, lease)
redis.call('SREM', fence, token)
if mine and redis.call('EXISTS', fence) == 0 then store() end
return 1
"""


class CachedItems:
    """
    An item repository with a Redis cache in front.

    Parameters
    ----------
    repository
        Where the truth is.
    client
        Redis client with short time-outs.
    breaker
        Decides when Redis is worth asking.
    """

    def __init__(
        self,
        repository: ItemRepository,
        client: redis.Redis,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._repository = repository
        self._client = client
        self._breaker = breaker or CircuitBreaker()
        self._needs_new_epoch = False

    def get(self, tenant: str, item_id: str) -> Item:
        """Return the item from the cache, or read it and keep it there."""
        keys, token = _keys(tenant, item_id), _token()
        state, epoch, body = self._look_or_wait(keys, token)
        if state == "hit":
            count("CacheHits")
            if body == ABSENT:
                raise ItemNotFound(item_id)
            return Item(tenant, json.loads(body))
        count("CacheUnavailable" if state == "unavailable" else "CacheMisses")
        try:
            item = self._repository.get(tenant, item_id)
        except ItemNotFound:
            if state == "load":
                self._ask(FILL, keys, token, epoch, *_entry(None))
            raise
        if state == "load":
            self._ask(FILL, keys, token, epoch, *_entry(item))
        return item

    def add(self, item: Item) -> None:
        """Store a new item; it enters the cache when it is first read."""
        self._repository.add(item)

    def replace(
        self,
        tenant: str,
        item_id: str,
        content: dict[str, Any],
        *,
        versions: Container[int],
        updated_at: str,
    ) -> Item:
        """Replace an item's content behind a fence, and publish the result."""
        return self._write(
            tenant,
            item_id,
            lambda: self._repository.replace(
                tenant, item_id, content, versions=versions, updated_at=updated_at
            ),
        )

    def add_image(
        self, tenant: str, item_id: str, image: dict[str, Any], *, most: int, updated_at: str
    ) -> Item:
        """Add an image behind a fence, and publish the result."""
        return self._write(
            tenant,
            item_id,
            lambda: self._repository.add_image(
                tenant, item_id, image, most=most, updated_at=updated_at
            ),
        )

    def delete(self, tenant: str, item_id: str, *, versions: Container[int]) -> None:
        """Delete an item behind a fence, and publish that it is gone."""
        self._write(
            tenant, item_id, lambda: self._repository.delete(tenant, item_id, versions=versions)
        )

    def page(
        self, tenant: str, wanted: ItemFilter, *, limit: int, before: str | None = None
    ) -> ItemPage:
        """Read a page; lists are not cached."""
        return self._repository.page(tenant, wanted, limit=limit, before=before)

    def _look_or_wait(self, keys: list[str], token: str) -> tuple[str, str, str]:
        """Look an item up, giving another reader a moment to load it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found = self._ask(LOOK, keys, token, LEASE_MILLISECONDS)
            if found is None:
                return "unavailable", NO_EPOCH, ""
            if found[0] != "wait" or time.monotonic() >= deadline:
                return found[0], found[1], found[2]
            time.sleep(WAIT_STEP_SECONDS)

    def _write(self, tenant: str, item_id: str, write: Callable[[], Written]) -> Written:
        """
        Write behind a fence, and publish the item that is then there, or that none is.

        The fence stays up when nobody knows whether the write was done.
        """
        keys, token = _keys(tenant, item_id), _token()
        epoch = self._ask(RAISE_FENCE, keys, token, FENCE_SECONDS)
        cache_knows = epoch is not None
        try:
            item = write()
            if cache_knows:
                cache_knows = bool(self._ask(LOWER_FENCE, keys, token, epoch, *_entry(item)))
        except ItemError:
            if cache_knows:
                self._ask(LOWER_FENCE, keys, token, NO_EPOCH, *_entry(None))
            raise
        finally:
            if not cache_knows:
                self._start_new_epoch()
        return item

    def _start_new_epoch(self) -> None:
        """Void what is cached: now, whatever the circuit says, or else before the next use."""
        self._needs_new_epoch = True
        self._try(lambda: None)

    def _ask(self, script: str, keys: list[str], token: str, *args: Any) -> Any:
        """Run a script; ``None`` when Redis is away or the circuit is open."""
        if not self._breaker.allows():
            return None
        arguments = (*keys, token, _token(), QUIET_MILLISECONDS, *args)
        # The whole script in one message, so that even a Redis that is only slow receives it.
        return self._try(lambda: self._client.eval(script, len(keys), *arguments))

    def _try(self, call: Callable[[], Any]) -> Any:
        try:
            with subsegment("Redis"):
                if self._needs_new_epoch:
                    self._client.delete(EPOCH_KEY)
                    self._needs_new_epoch = False
                answer = call()
        except redis.RedisError:
            self._breaker.failed()
            self._needs_new_epoch |= self._breaker.is_open
            return None
        self._breaker.succeeded()
        return answer


def cached(repository: ItemRepository) -> ItemRepository:
    """Put the cache that the environment names in front of a repository, if it names one."""
    settings = from_environment(CacheSettings)
    if not settings.redis_url:
        return repository
    client = connect(settings)
    # Connected from the start, a writer is heard by a Redis that thaws as early as any reader is.
    with suppress(redis.RedisError):
        client.ping()
    return CachedItems(repository, client)


def _keys(tenant: str, item_id: str) -> list[str]:
    value = f"itemstream:item:{tenant}:{item_id}"
    return [value, f"{value}:fence", f"{value}:lease", EPOCH_KEY]


def _token() -> str:
    return os.urandom(8).hex()


def _entry(item: Item | None) -> tuple[str, int]:
    """Return what is stored for an item, or for its absence, and for how many seconds."""
    if item is None:
        return ABSENT, ABSENT_SECONDS
    body = json.dumps(item.document, separators=(",", ":"), ensure_ascii=False)
    # Values that were stored together expire apart.
    return body, round(VALUE_SECONDS * random.uniform(0.9, 1))  # noqa: S311
