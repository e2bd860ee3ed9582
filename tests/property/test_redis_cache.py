"""No reader sees a version older than the last acknowledged write, whatever happens to Redis.

Several execution environments, each with a cache of its own in front of one table, run reads and
writes that are stopped before every call they make to Redis or to the table. Hypothesis decides
which goes on next, which call is lost, arrives without an answer, or arrives late, which process
dies, and what Redis forgets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from queue import SimpleQueue
from threading import Thread, local
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from itemstream.dependencies import DependencyUnavailable
from itemstream.dependencies.circuit_breaker import CircuitBreaker
from itemstream.items import ItemNotFound, VersionMismatch, redis_cache
from itemstream.items.redis_cache import CachedItems
from itemstream.items.repository import AnyVersion
from tests.fakes.content import content, new_item
from tests.fakes.items import InMemoryItems

if TYPE_CHECKING:
    from collections.abc import Callable, Container

ENVIRONMENTS = 3
DELETED = 2**53
FINISHED = "finished"
TENANT = "acme"

running = local()


class Died(BaseException):
    """The process of an operation is gone: it makes no more calls."""


class Operation:
    """A read or a write in a thread of its own, which stops before each call it makes."""

    def __init__(self, environment: int, action: Callable[[], Any], floor: int) -> None:
        self.environment = environment
        self.floor = floor
        self.result: Any = None
        self.place = ""
        self.heard = True
        self.dead = False
        self._action = action
        self._told: SimpleQueue[str] = SimpleQueue()
        self._reached: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._run, daemon=True).start()
        self.place = self._reached.get(timeout=10)

    def proceed(self, verdict: str) -> None:
        """Let it make the call it stands before, and run on to the next one."""
        self._told.put(verdict)
        self.place = self._reached.get(timeout=10)

    def stop_before(self, place: str) -> str:
        if self.dead:
            raise Died
        self._reached.put(place)
        verdict = self._told.get()
        if verdict == "die":
            self.dead = True
            raise Died
        return verdict

    def _run(self) -> None:
        running.operation = self
        try:
            self.result = self._action()
        except (ItemNotFound, VersionMismatch, DependencyUnavailable, Died) as error:
            self.result = error
        self._reached.put(FINISHED)


@dataclass
class Wire:
    """A Redis client whose calls get lost, unanswered or late as the test says."""

    client: redis.Redis
    late: list[Callable[[], Any]]

    def eval(self, *args: Any) -> Any:
        return self._call(lambda: self.client.eval(*args))

    def delete(self, *args: Any) -> Any:
        return self._call(lambda: self.client.delete(*args))

    def _call(self, call: Callable[[], Any]) -> Any:
        operation: Operation = running.operation
        verdict = operation.stop_before("redis")
        operation.heard = verdict in ("arrives", "unanswered")
        if verdict == "arrives":
            return call()
        if verdict == "unanswered":
            call()
        if verdict == "late":
            self.late.append(call)
        raise redis.TimeoutError


@dataclass
class Table:
    """The table, whose writes may fail with or without effect."""

    items: InMemoryItems

    def get(self, tenant: str, item_id: str) -> Any:
        running.operation.stop_before("table")
        return self.items.get(tenant, item_id)

    def replace(self, *args: Any, **kwargs: Any) -> Any:
        return self._write(lambda: self.items.replace(*args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._write(lambda: self.items.delete(*args, **kwargs))

    def _write(self, write: Callable[[], Any]) -> Any:
        verdict = running.operation.stop_before("table")
        running.operation.heard = True
        if verdict in ("lost", "late"):
            raise DependencyUnavailable("DynamoDB")
        written = write()
        if verdict == "unanswered":
            raise DependencyUnavailable("DynamoDB")
        return written


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """The environments, the table and the Redis they share."""

    client: redis.Redis
    clock: Clock = field(default_factory=Clock)
    table: Table = field(default_factory=lambda: Table(InMemoryItems()))
    late: list[Callable[[], Any]] = field(default_factory=list)
    environments: list[CachedItems] = field(default_factory=list)

    def new_environment(self) -> CachedItems:
        wire: Any = Wire(self.client, self.late)
        table: Any = self.table
        return CachedItems(table, wire, CircuitBreaker(clock=self.clock))


class CacheUnderFire(RuleBasedStateMachine):
    def __init__(self, client: redis.Redis) -> None:
        super().__init__()
        client.flushdb()
        self.world = World(client)
        self.world.environments = [self.world.new_environment() for _ in range(ENVIRONMENTS)]
        item = new_item(TENANT)
        self.world.table.items.add(item)
        self.id = item.id
        self.keys = redis_cache._keys(TENANT, item.id)
        self.acknowledged = 1
        self.may_be_gone = False
        self.reads: list[Operation] = []
        self.writes: list[Operation] = []

    @property
    def operations(self) -> list[Operation]:
        return self.reads + self.writes

    def idle(self) -> list[int]:
        busy = {operation.environment for operation in self.operations}
        return [number for number in range(ENVIRONMENTS) if number not in busy]

    @precondition(lambda self: self.idle())
    @rule(data=st.data())
    def begin_read(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.idle()))
        self.reads.append(self.read_in(number))

    @precondition(lambda self: self.idle())
    @rule(data=st.data(), versions=st.sampled_from([AnyVersion(), AnyVersion(), {0}]))
    def begin_replace(self, data: st.DataObject, versions: Container[int]) -> None:
        number = data.draw(st.sampled_from(self.idle()))
        cache = self.world.environments[number]

        def replace() -> int:
            return cache.replace(
                TENANT, self.id, content(), versions=versions, updated_at="now"
            ).version

        self.writes.append(Operation(number, replace, floor=self.acknowledged))

    @precondition(lambda self: self.idle() and self.acknowledged > 3)
    @rule(data=st.data())
    def begin_delete(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.idle()))
        cache = self.world.environments[number]
        self.may_be_gone = True

        def delete() -> int:
            cache.delete(TENANT, self.id, versions=AnyVersion())
            return DELETED

        self.writes.append(Operation(number, delete, floor=self.acknowledged))

    @precondition(lambda self: self.operations)
    @rule(data=st.data(), calls=st.integers(1, 4))
    def go_on(self, data: st.DataObject, calls: int) -> None:
        operation = data.draw(st.sampled_from(self.operations))
        for _ in range(calls):
            if operation in self.operations:
                self.proceed(operation, "arrives")

    @precondition(lambda self: self.operations)
    @rule(data=st.data())
    def go_on_to_the_end(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(self.operations)))

    @precondition(lambda self: self.operations)
    @rule(data=st.data(), verdict=st.sampled_from(["lost", "lost", "unanswered", "late", "die"]))
    def call_fails(self, data: st.DataObject, verdict: str) -> None:
        operation = data.draw(st.sampled_from(self.operations))
        self.proceed(operation, verdict)
        if verdict == "die":
            self.world.environments[operation.environment] = self.world.new_environment()

    @rule(data=st.data())
    def misfortune(self, data: st.DataObject) -> None:
        """Redis evicts a key, restarts empty, or reads what waited in a closed connection."""
        happens: list[Callable[[], Any]] = [
            *(partial(self.world.client.delete, key) for key in self.keys),
            self.world.client.flushdb,
            *(self.world.late[:1] * 4),
        ]
        chosen = data.draw(st.sampled_from(range(len(happens))))
        if chosen > len(self.keys):
            self.world.late.pop(0)
        happens[chosen]()

    @precondition(lambda self: not self.operations)
    @rule()
    def fences_fall(self) -> None:
        """Fences outlast every request, so they fall only when none is under way."""
        self.world.client.delete(*self.keys[1:3])

    @rule(seconds=st.floats(0.1, 10))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.now += seconds

    def read_in(self, environment: int) -> Operation:
        cache = self.world.environments[environment]
        return Operation(environment, lambda: cache.get(TENANT, self.id), self.acknowledged)

    def finish(self, operation: Operation) -> None:
        while operation in self.operations:
            self.proceed(operation, "arrives")

    def proceed(self, operation: Operation, verdict: str) -> None:
        operation.proceed(verdict)
        if operation.place != FINISHED:
            return
        if operation in self.reads:
            self.reads.remove(operation)
            self.check_read(operation)
        else:
            self.writes.remove(operation)
            if not operation.heard:
                # The one thing that the cache takes for granted: a Redis that a writer could not
                # reach after its write was away from everybody, for long enough to end the epoch.
                self.world.client.delete(self.keys[3])
            if isinstance(operation.result, int):
                self.acknowledged = max(self.acknowledged, operation.result)

    def check_read(self, operation: Operation) -> None:
        match operation.result:
            case ItemNotFound():
                assert self.may_be_gone, "an item that nobody deleted was not found"
            case Died():
                pass
            case item:
                assert item.version >= operation.floor, (
                    f"read version {item.version} after {operation.floor} was acknowledged"
                )

    def teardown(self) -> None:
        """Let everything come to its end; then too, everybody reads what was last written."""
        for operation in self.operations:
            self.finish(operation)
        self.fences_fall()
        self.world.clock.now += 60
        for _ in range(2):
            for environment in range(ENVIRONMENTS):
                self.reads.append(self.read_in(environment))
                self.finish(self.reads[-1])


@pytest.fixture
def own_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that find another one loading go on at once: the schedule is the test's."""
    monkeypatch.setattr(redis_cache, "WAIT_SECONDS", 0)
    monkeypatch.setattr(redis_cache, "count", lambda _name: None)


@pytest.mark.usefixtures("own_schedule")
def test_no_read_is_older_than_the_last_acknowledged_write(redis_client: redis.Redis) -> None:
    run_state_machine_as_test(
        lambda: CacheUnderFire(redis_client),
        settings=settings(max_examples=400, stateful_step_count=50),
    )


@pytest.mark.usefixtures("own_schedule")
def test_no_order_of_two_writers_and_a_reader_leaves_an_old_value(
    redis_client: redis.Redis,
) -> None:
    for order in sorted(set(permutations("AAABBBRRR"))):
        # Given
        machine = CacheUnderFire(redis_client)
        cache_a, cache_b, _ = machine.world.environments
        operations = {
            "A": Operation(0, partial(replace_in, cache_a, machine.id), 1),
            "B": Operation(1, partial(replace_in, cache_b, machine.id), 1),
            "R": machine.read_in(2),
        }
        machine.writes = [operations["A"], operations["B"]]
        machine.reads = [operations["R"]]

        # When
        for name in order:
            if operations[name] in machine.operations:
                machine.proceed(operations[name], "arrives")

        # Then everybody reads version 3, from the table and from the cache
        assert machine.acknowledged == 3, order
        machine.teardown()


def replace_in(cache: CachedItems, item_id: str) -> int:
    """Replace an item's content, at whichever version it is."""
    return cache.replace(
        TENANT, item_id, content(), versions=AnyVersion(), updated_at="now"
    ).version
