"""A pytest plugin: who runs when, and beside whom.

A test that uses the fixture `stack` waits until the stack is up. One that breaks the stack
(tests/resilience) then has it to itself, or the one part that it breaks: for each part there is a
lock file, which it holds alone, and all who use the whole stack hold together. Tests without the
stack run at any time. So the workers begin with those while the stack is being made; then come
those that share it; and in the end one worker breaks it while the other does what is left of the
first, or breaks another part.
"""

from __future__ import annotations

import fcntl
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tools.project import LOCAL
from tools.stack.starting import stack_is_starting, wait_for_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.workermanage import WorkerController

# Nobody else notices these: they break nothing, or a process of their own.
_HARMLESS = tuple(
    f"tests/resilience/{name}"
    for name in (
        "test_change_log.py::test_a_repeated_a_reordered_and_a_week_old_record_change_nothing",
        "test_crash_between_write_and_answer.py::test_a_retry_succeeds_and_makes_no_second_item",
        "test_realtime.py::test_fifty_clients_that_drop_and_come_back_miss_nothing",
    )
)
# Each of these breaks one part, and does not depend on those that the others break.
_BROKEN_PARTS = {
    "tests/resilience/test_mysql_outages.py": "mysql",
    "tests/resilience/test_realtime.py": "realtime",
    "tests/resilience/test_redis_outage.py": "redis",
}
_PARTS = (*sorted(_BROKEN_PARTS.values()), "everything else")
# The other worker's, while the first breaks the rest.
_SECONDS = "realtime"
_FILLING = ("tests/resilience/test_calls_account.py", "tests/resilience/test_poison_messages.py")
# Long ones, which are given out one by one; others file by file.
_ONE_BY_ONE = ("tests/e2e/", "tests/property/", "tests/resilience/")
# Functions on a stack run in processes of their own, where nobody measures. In these property tests
# measuring takes longer than testing, and finds no line that other tests have not found.
_UNMEASURED = (
    *("tests/clients/", "tests/e2e/", "tests/infrastructure/", "tests/resilience/"),
    *("tests/integration/dead_letters/", "tests/integration/lambda_host/"),
    *("tests/integration/local_aws/", "tests/integration/packaging/"),
    *("tests/property/test_connections.py", "tests/property/test_event_log.py"),
    *("tests/property/test_realtime_delivery.py", "tests/property/test_redis_cache.py"),
)
# A worker has to know its next test as it runs one.
_AHEAD = 2


def _broken_part(nodeid: str) -> str | None:
    return _BROKEN_PARTS.get(nodeid.partition("::")[0])


def _kind(nodeid: str) -> str:
    """Say what a test does to the stack.

    It breaks the whole or a part of it, uses it with others, or is free of it.
    """
    if nodeid.startswith(("tests/contract/", "tests/e2e/", *_HARMLESS)):
        return "shared"
    if part := _broken_part(nodeid):
        return "second" if part == _SECONDS else "breaking"
    return "breaking" if nodeid.startswith("tests/resilience/") else "free"


def _place(nodeid: str) -> int:
    # The long ones among those that share come first, so that nobody waits long to have it alone.
    # A stack is stopped and started before others have filled it, and filled by tens of thousands
    # of rows when nobody comes after: the local AWS gets slower with what it keeps. Parts are
    # broken early, as long as both workers have one to break.
    if _kind(nodeid) in {"breaking", "second"}:
        if nodeid.startswith("tests/resilience/test_stop_and_start.py"):
            return 1
        return 2 if _broken_part(nodeid) else 3 + nodeid.startswith(_FILLING)
    return -int(nodeid.startswith(_HARMLESS))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(item.nodeid))
    for item in items:
        if item.nodeid.startswith(_UNMEASURED):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    # Out here, waiting counts for nobody's timeout.
    if "stack" not in getattr(item, "fixturenames", ()):
        return (yield)
    wait_for_stack()
    with _turn(item.nodeid):
        return (yield)


@contextmanager
def _turn(nodeid: str) -> Iterator[None]:
    breaks = _kind(nodeid) in {"breaking", "second"}
    part = _broken_part(nodeid) if breaks else None
    LOCAL.mkdir(exist_ok=True)
    with ExitStack() as held:
        # In one order for all, so that nobody waits in a circle.
        for name in [part] if part else _PARTS:
            lock = held.enter_context((LOCAL / f"turns-{name.replace(' ', '-')}.lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX if breaks else fcntl.LOCK_SH)
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Turns | None:
    return Turns(config, log) if config.getoption("dist") == "loadscope" else None


class Turns(LoadScopeScheduling):
    """
    Gives each worker what it can do at this moment.

    It knows tests by their names only.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(_ONE_BY_ONE) else nodeid.partition("::")[0]

    def _reschedule(self, node: WorkerController) -> None:
        if self._pending_of(self.assigned_work[node]) > _AHEAD or node.shutting_down:
            return
        if self._next_scope(node) is None:
            node.shutdown()
        else:
            self._assign_work_unit(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = self._next_scope(node)
        if scope is not None:
            # What it takes is the first of the queue.
            self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    def _next_scope(self, node: WorkerController) -> str | None:
        """Return the first of what this worker had best do now, None if there is nothing for it."""
        kinds: dict[str, list[str]] = {"shared": [], "breaking": [], "second": [], "free": []}
        for scope in self.workqueue:
            kinds[_kind(scope)].append(scope)
        # What needs the stack to itself is for one worker: others would only wait.
        if node is self.nodes[0]:
            order = ["shared", "breaking", "free"]
        elif self._stack_is_whole():
            order = ["shared", "second", "free"]
        else:
            order = ["shared", "free", "second"]
        if stack_is_starting():
            order.sort(key=lambda kind: kind != "free")
        return next((kinds[kind][0] for kind in order if kinds[kind]), None)

    def _stack_is_whole(self) -> bool:
        """Tell whether the first worker is at nothing that needs the whole stack."""
        return all(
            _kind(scope) != "breaking" or _broken_part(scope)
            for scope, tests in self.assigned_work[self.nodes[0]].items()
            if not all(tests.values())
        )
