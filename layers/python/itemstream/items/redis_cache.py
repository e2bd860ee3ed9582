"""A read-through cache of items in Redis, in front of any item repository.

What it promises, and how:

- *No stale item after an acknowledged write.* A writer first drops the cached value and raises a
  fence on the item (readers go past the cache and fill nothing), then writes, then publishes what
  it wrote and lowers the fence. A fence that nobody lowers falls after 15 s, longer than any
  request lasts.
- *A value never replaces a newer version*: one Lua script compares.
- *No stampede*: of many readers that miss, one gets a lease and loads; the others wait a moment
  for what it finds. (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.)
- *Redis away costs little and breaks nothing*: 50 ms time-outs, a circuit breaker, answers from the
  repository. Whoever saw Redis fail starts a new epoch before using it again: what was stored
  before then no longer counts, as writes may have passed it by.
"""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis

from itemstream.cache.connection import CacheSettings, connect
from itemstream.config import from_environment
from itemstream.dependencies.circuit_breaker import CircuitBreaker
from itemstream.items.model import Item, ItemError, ItemNotFound
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from itemstream.items.repository import ItemFilter, ItemPage, ItemRepository

__all__ = ["CachedItems", "cached"]

VALUE_SECONDS = 300
ABSENT_SECONDS = 5
DELETED_SECONDS = 60
FENCE_SECONDS = 15
LEASE_MILLISECONDS = 200
WAIT_SECONDS = 0.1
WAIT_STEP_SECONDS = 0.01

EPOCH_KEY = "itemstream:items:epoch"
# Newer than every version: nothing replaces the mark of a deleted item before it expires.
DELETED_VERSION = 2**53 - 1

# KEYS: value, fence, lease, epoch. ARGV: milliseconds of a lease.
# Answers hit|absent|bypass|load|wait, the epoch, the body.
LOOK = """
local epoch = redis.call('GET', KEYS[4]) or '0'
if redis.call('EXISTS', KEYS[2]) == 1 then return {'bypass', epoch, ''} end
local value = redis.call('HMGET', KEYS[1], 'epoch', 'body')
if value[1] == epoch then
  if value[2] == '' then return {'absent', epoch, ''} end
  return {'hit', epoch, value[2]}
end
if redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[1]) then return {'load', epoch, ''} end
return {'wait', epoch, ''}
"""

_STORE_IF_NEWER = """
local function store_if_newer(epoch)
  if ARGV[1] ~= epoch then return 0 end
  local value = redis.call('HMGET', KEYS[1], 'epoch', 'version')
  if value[1] == epoch and tonumber(value[2]) >= tonumber(ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'version', ARGV[2], 'body', ARGV[3])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return 1
end
"""

_LOWER = """
local function lower(fence)
  if redis.call('EXISTS', fence) == 1 and redis.call('DECR', fence) <= 0 then
    redis.call('DEL', fence)
  end
end
"""

# KEYS: value, fence, lease, epoch. ARGV: epoch, version, body, seconds.
FILL = f"""{_STORE_IF_NEWER}
redis.call('DEL', KEYS[3])
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
return store_if_newer(redis.call('GET', KEYS[4]) or '0')
"""

# KEYS: value, fence, lease, epoch. ARGV: seconds. Answers the epoch.
RAISE_FENCE = """
redis.call('DEL', KEYS[1])
redis.call('INCR', KEYS[2])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return redis.call('GET', KEYS[4]) or '0'
"""

# KEYS: value, fence, lease, epoch. ARGV: epoch, version, body, seconds.
# Writers may overlap: the fence falls with the last of them.
PUBLISH = f"""{_STORE_IF_NEWER}{_LOWER}
lower(KEYS[2])
return store_if_newer(redis.call('GET', KEYS[4]) or '0')
"""

# KEYS: value, fence, lease, epoch.
LOWER_FENCE = f"""{_LOWER}
lower(KEYS[2])
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
        self._look = client.register_script(LOOK)
        self._fill = client.register_script(FILL)
        self._raise_fence = client.register_script(RAISE_FENCE)
        self._publish = client.register_script(PUBLISH)
        self._lower_fence = client.register_script(LOWER_FENCE)

    def get(self, tenant: str, item_id: str) -> Item:
        """Return the item from the cache, or read it and keep it there."""
        keys = _keys(tenant, item_id)
        state, epoch, body = self._look_or_wait(keys)
        if state == "hit":
            count("CacheHits")
            return Item(tenant, json.loads(body))
        if state == "absent":
            count("CacheHits")
            raise ItemNotFound(item_id)
        count("CacheUnavailable" if state == "unavailable" else "CacheMisses")
        fills = state == "load"
        try:
            item = self._repository.get(tenant, item_id)
        except ItemNotFound:
            if fills:
                self._ask(self._fill, keys, epoch, 0, "", _spread(ABSENT_SECONDS))
            raise
        if fills:
            self._ask(self._fill, keys, epoch, item.version, _body(item), _spread(VALUE_SECONDS))
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
        keys = _keys(tenant, item_id)
        with self._fenced(keys) as epoch:
            item = self._repository.replace(
                tenant, item_id, content, versions=versions, updated_at=updated_at
            )
        if epoch is not None:
            seconds = _spread(VALUE_SECONDS)
            self._ask(self._publish, keys, epoch, item.version, _body(item), seconds)
        return item

    def delete(self, tenant: str, item_id: str, *, versions: Container[int]) -> None:
        """Delete an item behind a fence, and publish that it is gone."""
        keys = _keys(tenant, item_id)
        with self._fenced(keys) as epoch:
            self._repository.delete(tenant, item_id, versions=versions)
        if epoch is not None:
            self._ask(self._publish, keys, epoch, DELETED_VERSION, "", DELETED_SECONDS)

    def page(
        self, tenant: str, wanted: ItemFilter, *, limit: int, before: str | None = None
    ) -> ItemPage:
        """Read a page; lists are not cached."""
        return self._repository.page(tenant, wanted, limit=limit, before=before)

    def _look_or_wait(self, keys: list[str]) -> tuple[str, str, str]:
        """Look an item up, giving another reader a moment to load it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found = self._ask(self._look, keys, LEASE_MILLISECONDS)
            if found is None:
                return "unavailable", "", ""
            if found[0] != "wait" or time.monotonic() >= deadline:
                return found[0], found[1], found[2]
            time.sleep(WAIT_STEP_SECONDS)

    @contextmanager
    def _fenced(self, keys: list[str]) -> Iterator[str | None]:
        """
        Keep an item out of the cache during a write.

        Yields the epoch, or ``None`` when Redis is away. After a write the fence stays up until
        what was written is published; so it does when nobody knows whether the write was done.
        """
        epoch = self._ask(self._raise_fence, keys, FENCE_SECONDS)
        try:
            yield epoch
        except ItemError:
            if epoch is not None:
                self._ask(self._lower_fence, keys)
            raise
        finally:
            if epoch is None:
                # Redis may hold, and others may reach, what this write has replaced.
                self._needs_new_epoch = True
                self._guard(self._client.ping)

    def _ask(self, script: Callable[..., Any], keys: list[str], *args: Any) -> Any:
        """Run a script; ``None`` when Redis is away or the circuit is open."""
        return self._guard(lambda: script(keys=keys, args=args))

    def _guard(self, call: Callable[[], Any]) -> Any:
        if not self._breaker.allows():
            return None
        try:
            if self._needs_new_epoch:
                self._client.incr(EPOCH_KEY)
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
    return CachedItems(repository, connect(settings)) if settings.redis_url else repository


def _keys(tenant: str, item_id: str) -> list[str]:
    value = f"itemstream:item:{tenant}:{item_id}"
    return [value, f"{value}:fence", f"{value}:lease", EPOCH_KEY]


def _body(item: Item) -> str:
    return json.dumps(item.document, separators=(",", ":"), ensure_ascii=False)


def _spread(seconds: int) -> int:
    """Let values that were stored together expire apart."""
    return max(1, round(seconds * random.uniform(0.9, 1)))  # noqa: S311
