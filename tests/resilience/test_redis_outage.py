"""Redis is killed, freezes or has no memory left under load.

Every answer is right, none is stale afterwards, and nobody is held to a limit that nobody knows.
"""

from __future__ import annotations

import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import redis

from tests.health import found
from tests.local_stack import EVERY_SCOPE, assert_problem
from tests.waiting import eventually
from tools.stack import parts
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.local_stack import Caller
    from tools.stack.daemons import Daemon

# A restarted Redis outlives the test on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@dataclass
class Load:
    """Readers and writers of a few items, who check every answer."""

    caller: Caller
    acknowledged: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    reads: int = 0
    writes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        while not self.stop.is_set():
            item_id = random.choice(list(self.acknowledged))
            at_least = self.acknowledged[item_id]
            answer = self.caller.get(item_id)
            if answer.status_code != 200:
                self.wrong.append(f"read: {answer.status_code} {answer.text}")
            elif answer.json()["version"] < at_least:
                self.wrong.append(f"stale: {answer.json()['version']} after {at_least}")
            self.reads += 1

    def write(self, item_id: str) -> None:
        while not self.stop.is_set():
            version = self.acknowledged[item_id]
            answer = self.caller.put(item_id, {"name": f"Version {version + 1}"}, f'"{version}"')
            if answer.status_code == 200:
                self.acknowledged[item_id] = answer.json()["version"]
            else:
                self.wrong.append(f"write: {answer.status_code} {answer.text}")
                return
            self.writes += 1
            self.ask_for_a_ticket()

    def ask_for_a_ticket(self) -> None:
        answer = self.caller.http.post("realtime/tickets")
        # Whoever asks that often may be told so, while Redis can tell.
        if answer.status_code not in (201, 429):
            self.wrong.append(f"ticket: {answer.status_code} {answer.text}")

    def goes_on(self, reads: int = 60, writes: int = 30) -> None:
        """Wait until so many more reads and writes are done."""
        target = self.reads + reads, self.writes + writes
        eventually(
            lambda: (self.reads >= target[0] and self.writes >= target[1]) or self.wrong,
            within=60,
            what="the load to go on",
        )


@pytest.fixture
def load(make_caller: Callable[..., Caller]) -> Iterator[Load]:
    caller = make_caller(scope=f"{EVERY_SCOPE} realtime:connect")
    load = Load(caller)
    items = [caller.created()["id"] for _ in range(4)]
    load.acknowledged = dict.fromkeys(items, 1)
    with ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(load.read) for _ in range(4)]
        workers += [pool.submit(load.write, item) for item in items[:2]]
        yield load
        load.stop.set()
        for worker in workers:
            worker.result()


@pytest.fixture
def redis_server() -> Iterator[Daemon]:
    server = parts.redis(current_stack())
    yield server
    server.start()


def keys_in_redis() -> int:
    with redis.Redis(port=current_stack().redis_port, socket_timeout=2) as client:
        return len(client.keys("itemstream:item:*"))


def test_redis_killed_under_load(load: Load, redis_server: Daemon) -> None:
    # Given
    load.goes_on()
    eventually(keys_in_redis, what="the cache to fill")

    # When it is gone, then everything is answered from the table
    process = redis_server.process()
    assert process is not None
    process.send_signal(signal.SIGKILL)
    eventually(lambda: redis_server.state() == "crashed", what="Redis to be gone")
    load.goes_on()
    found(load.caller.stack, lambda parts: parts["redis"]["state"] == "down", "Redis down")

    # When it is back, then it is used again, and nothing old comes out of it
    redis_server.start()
    load.goes_on(reads=150, writes=60)
    eventually(keys_in_redis, what="the cache to fill again")
    load.goes_on()
    assert load.wrong == []


def test_redis_frozen_under_load_and_thawed_with_what_it_held(
    load: Load, redis_server: Daemon
) -> None:
    # Given
    load.goes_on()
    eventually(keys_in_redis, what="the cache to fill")
    process = redis_server.process()
    assert process is not None

    # When it freezes, while items are written that it holds
    process.suspend()
    try:
        load.goes_on()
    finally:
        process.resume()

    # Then what it held is not believed any more
    load.goes_on(reads=150, writes=60)
    assert load.wrong == []


def test_redis_out_of_memory_under_load(load: Load) -> None:
    # Given
    load.goes_on()
    eventually(keys_in_redis, what="the cache to fill")

    # When it can write no more
    with redis.Redis(port=current_stack().redis_port, socket_timeout=10) as client:
        before = client.config_get("maxmemory*")
        try:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")
            load.goes_on()
        finally:
            client.config_set("maxmemory-policy", before["maxmemory-policy"])
            client.config_set("maxmemory", before["maxmemory"])

    # Then what it held is not believed, and it is used again
    load.goes_on(reads=150, writes=60)
    eventually(keys_in_redis, what="the cache to fill again")
    assert load.wrong == []


def test_who_asked_too_often_is_let_in_while_redis_is_away(
    make_caller: Callable[..., Caller], redis_server: Daemon
) -> None:
    # Given a tenant that has asked for more reports than it may; of a week that there is not
    caller = make_caller(scope="reports:write")

    def ask() -> httpx.Response:
        return caller.http.post("reports", json={"week": "2025-W99"})

    eventually(lambda: ask().status_code == 429, within=30, what="the limit")

    # When
    process = redis_server.process()
    assert process is not None
    process.send_signal(signal.SIGKILL)
    eventually(lambda: redis_server.state() == "crashed", what="Redis to be gone")

    # Then
    answers = [ask() for _ in range(5)]
    assert {answer.status_code for answer in answers} <= {400, 422}
    assert not any("RateLimit" in answer.headers for answer in answers)

    # When it is back, then the limit holds again
    redis_server.start()
    eventually(lambda: "RateLimit" in ask().headers, within=30, what="the limit to hold again")


def test_an_item_deleted_while_redis_was_frozen_stays_deleted(
    caller: Caller, redis_server: Daemon
) -> None:
    # Given an item that the cache holds
    item = caller.created()
    assert [caller.get(item["id"]).status_code for _ in range(3)] == [200] * 3
    process = redis_server.process()
    assert process is not None

    # When
    process.suspend()
    try:
        assert caller.delete(item["id"], '"1"').status_code == 204
        for _ in range(4):
            assert_problem(caller.get(item["id"]), 404)
    finally:
        process.resume()

    # Then
    for _ in range(10):
        assert_problem(caller.get(item["id"]), 404)
