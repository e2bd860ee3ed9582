"""The cache on a real Redis: what is kept, what outages cost, and what they leave behind."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import psutil
import pytest
import redis

from itemstream.cache.connection import CacheSettings, connect
from itemstream.dependencies import DependencyUnavailable
from itemstream.dependencies.circuit_breaker import CircuitBreaker
from itemstream.items import Item, ItemNotFound, VersionMismatch, new_item_id, redis_cache
from itemstream.items.redis_cache import (
    EPOCH_KEY,
    FENCE_SECONDS,
    QUIET_MILLISECONDS,
    CachedItems,
)
from itemstream.items.repository import AnyVersion, ItemFilter
from tests.fakes.content import content, new_item
from tests.fakes.items import InMemoryItems
from tests.fakes.redis_server import free_port, redis_server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from subprocess import Popen

PORT = free_port()


class Table(InMemoryItems):
    """A table that counts reads and can fail."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.write_fails: Exception | None = None

    def get(self, tenant: str, item_id: str) -> Item:
        self.reads += 1
        return super().get(tenant, item_id)

    def replace(self, *args: Any, **kwargs: Any) -> Item:
        written = super().replace(*args, **kwargs)
        if self.write_fails:
            raise self.write_fails
        return written


@pytest.fixture(scope="module")
def server() -> Iterator[Popen[bytes]]:
    with redis_server(PORT) as process:
        yield process


@pytest.fixture
def client(server: Popen[bytes]) -> Iterator[redis.Redis]:
    with redis.Redis("127.0.0.1", PORT, protocol=2, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def table(client: redis.Redis) -> Table:
    return Table()


@pytest.fixture
def item(table: Table) -> Item:
    item = new_item()
    table.add(item)
    return item


def environment(table: Table) -> CachedItems:
    """Make what one execution environment has."""
    return CachedItems(table, connect(CacheSettings(f"redis://127.0.0.1:{PORT}/0")))


def replaced(cache: CachedItems, item: Item, **changes: Any) -> Item:
    return cache.replace(
        item.tenant, item.id, content(**changes), versions=AnyVersion(), updated_at="later"
    )


def test_an_item_is_read_from_the_table_once(table: Table, item: Item) -> None:
    found = [environment(table).get("acme", item.id) for _ in range(3)]
    assert found == [item] * 3
    assert table.reads == 1


def test_tenants_share_nothing(table: Table, item: Item) -> None:
    environment(table).get("acme", item.id)
    with pytest.raises(ItemNotFound):
        environment(table).get("other", item.id)


def test_absence_is_remembered_for_a_moment(table: Table, client: redis.Redis) -> None:
    # When
    item_id = new_item_id()
    for _ in range(3):
        with pytest.raises(ItemNotFound):
            environment(table).get("acme", item_id)

    # Then
    assert table.reads == 1
    (key,) = client.keys("itemstream:item:*")
    assert 0 < client.ttl(key) <= 5


def test_what_was_written_is_read_from_the_cache(table: Table, item: Item) -> None:
    # Given
    environment(table).get("acme", item.id)
    written = replaced(environment(table), item, name="Ash table")
    reads = table.reads

    # When, then
    assert environment(table).get("acme", item.id) == written
    assert table.reads == reads


def test_a_deleted_item_is_not_found(table: Table, item: Item) -> None:
    environment(table).get("acme", item.id)
    environment(table).delete("acme", item.id, versions={1})
    with pytest.raises(ItemNotFound):
        environment(table).get("acme", item.id)


def test_a_write_that_was_refused_leaves_no_fence(
    table: Table, item: Item, client: redis.Redis
) -> None:
    with pytest.raises(VersionMismatch):
        environment(table).delete("acme", item.id, versions={9})
    assert client.keys("*:fence") == []
    assert environment(table).get("acme", item.id) == item


def test_a_write_that_may_have_been_done_keeps_its_fence(
    table: Table, item: Item, client: redis.Redis
) -> None:
    # Given
    environment(table).get("acme", item.id)
    table.write_fails = DependencyUnavailable("DynamoDB")

    # When
    with pytest.raises(DependencyUnavailable):
        replaced(environment(table), item)

    # Then readers see what the table says, every time, until the fence falls
    reads = table.reads
    assert [environment(table).get("acme", item.id).version for _ in range(3)] == [2, 2, 2]
    assert table.reads == reads + 3
    (fence,) = client.keys("*:fence")
    assert 0 < client.ttl(fence) <= FENCE_SECONDS


def test_additions_and_lists_go_past_the_cache(table: Table, client: redis.Redis) -> None:
    item = new_item()
    cache = environment(table)
    cache.add(item)
    assert cache.page("acme", ItemFilter(), limit=5).items == [item]
    assert client.dbsize() == 0


def test_of_many_readers_one_loads(table: Table, item: Item) -> None:
    # Given
    readers = [environment(table) for _ in range(8)]
    start = Barrier(len(readers))

    def read(cache: CachedItems) -> Item:
        start.wait(5)
        return cache.get("acme", item.id)

    # When
    with ThreadPoolExecutor(len(readers)) as pool:
        found = list(pool.map(read, readers))

    # Then a reader that waited too long may have gone past the one that loads, but few do
    assert found == [item] * len(readers)
    assert table.reads <= 2


def test_a_connection_carries_the_first_command_at_once(
    table: Table, item: Item, client: redis.Redis
) -> None:
    client.config_resetstat()
    environment(table).get("acme", item.id)
    commands = set(client.info("commandstats"))
    assert {"cmdstat_eval", "cmdstat_config|resetstat"} <= commands
    assert not any(name.startswith(("cmdstat_client", "cmdstat_hello")) for name in commands)


def test_a_write_while_redis_is_frozen_is_seen_by_who_never_noticed(
    table: Table, item: Item, server: Popen[bytes]
) -> None:
    # Given a reader that holds a connection, and the item in Redis
    reader, writer = environment(table), environment(table)
    reader.get("acme", item.id)

    # When Redis is frozen while the item is written, by somebody with no connection yet
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        started = time.monotonic()
        replaced(writer, item)
        lost = time.monotonic() - started
    finally:
        process.resume()

    # Then the writer was not held up, and the reader finds what was written, as soon as Redis has
    # read what waited for it: connections are served in the order they came
    assert lost < 1
    with redis.Redis("127.0.0.1", PORT, protocol=2) as newcomer:
        newcomer.ping()
    assert reader.get("acme", item.id).version == 2


def commands_while_frozen(server: Popen[bytes], work: Callable[[], None]) -> tuple[int, int]:
    """Freeze Redis while work is done; count the scripts and the deletions it was sent."""
    with redis.Redis("127.0.0.1", PORT, protocol=2) as before:
        before.config_resetstat()
    process = psutil.Process(server.pid)
    process.suspend()
    try:
        work()
    finally:
        process.resume()
    # Who comes now is served after all that waited.
    with redis.Redis("127.0.0.1", PORT, protocol=2) as newcomer:
        statistics = newcomer.info("commandstats")
    scripts, deletions = (
        statistics.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in ("eval", "del")
    )
    return scripts, deletions


def test_a_frozen_redis_is_left_alone_until_it_is_back(
    table: Table, item: Item, server: Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a cache whose circuit breaker keeps the test's time
    clock = Mock(return_value=0)
    monkeypatch.setattr(redis_cache, "CircuitBreaker", partial(CircuitBreaker, clock=clock))
    cache = environment(table)

    def read_often() -> None:
        assert [cache.get("acme", item.id) for _ in range(50)] == [item] * 50

    def read_from_the_cache() -> bool:
        clock.return_value += 10
        reads = table.reads
        return cache.get("acme", item.id) == item and table.reads == reads

    # When Redis is frozen, then it is asked three times and left alone
    assert commands_while_frozen(server, read_often) == (3, 0)

    # When time has passed, then it is asked once whether it is back, by what ends the epoch
    clock.return_value = 1
    assert commands_while_frozen(server, read_often) == (0, 1)

    # When it is back, then it is used again, and trusted as before
    eventually(read_from_the_cache, what="the cache is used again")
    assert commands_while_frozen(server, read_often) == (3, 0)


def test_a_redis_that_comes_back_empty_is_used_again(item: Item, table: Table) -> None:
    # Given a Redis of its own, on another port
    port = free_port()
    cache = CachedItems(table, connect(CacheSettings(f"redis://127.0.0.1:{port}/0")))
    with redis_server(port):
        cache.get("acme", item.id)

    # When it is killed, then everything is answered
    assert [cache.get("acme", item.id) for _ in range(5)] == [item] * 5
    assert replaced(cache, item).version == 2

    # When it is back
    with redis_server(port), redis.Redis("127.0.0.1", port, protocol=2) as client:
        deadline = time.monotonic() + 10
        while not client.keys("itemstream:item:*") and time.monotonic() < deadline:
            assert cache.get("acme", item.id).version == 2

        # Then it is used
        reads = table.reads
        assert cache.get("acme", item.id).version == 2
        assert table.reads == reads


def test_a_writer_whose_circuit_is_open_still_voids_what_it_replaced(
    table: Table, item: Item, client: redis.Redis
) -> None:
    # Given a reader that uses Redis, and a writer that does not trust it yet
    environment(table).get("acme", item.id)
    breaker = CircuitBreaker(clock=lambda: 0.0)
    for _ in range(3):
        breaker.failed()
    assert not breaker.allows()

    # When
    replaced(CachedItems(table, client, breaker), item)

    # Then
    assert environment(table).get("acme", item.id).version == 2


def test_a_writer_does_not_publish_into_an_epoch_that_began_after_it(
    table: Table, item: Item, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given another writer that comes in between, could raise no fence and ends the epoch
    writer = environment(table)

    def write_and_be_overtaken(*args: Any, **kwargs: Any) -> Item:
        written = Table.replace(table, *args, **kwargs)
        Table.replace(table, *args, **kwargs)
        client.delete(EPOCH_KEY)
        return written

    # When
    with monkeypatch.context() as overtaken:
        overtaken.setattr(table, "replace", write_and_be_overtaken)
        assert replaced(writer, item).version == 2

    # Then
    assert environment(table).get("acme", item.id).version == 3


def test_silence_ends_an_epoch(table: Table, item: Item, client: redis.Redis) -> None:
    # Given
    cache = environment(table)
    cache.get("acme", item.id)
    assert 0 < client.pttl(EPOCH_KEY) <= QUIET_MILLISECONDS

    # When nobody asks for a while
    deadline = time.monotonic() + 10
    while client.exists(EPOCH_KEY):
        assert time.monotonic() < deadline, "the epoch does not end"
        time.sleep(0.05)

    # Then what is still there does not count
    assert client.keys("itemstream:item:*")
    cache.get("acme", item.id)
    assert table.reads == 2
