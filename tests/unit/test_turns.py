"""Which tests a worker is given, and when."""

from __future__ import annotations

from fcntl import LOCK_NB, flock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests import turns
from tests.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FREE = [f"tests/unit/test_{name}.py::test" for name in "abcd"]
SHARED = [f"tests/e2e/test_{name}.py::test" for name in "abcd"]
MYSQL = [f"tests/resilience/test_mysql_outages.py::test_{name}" for name in "ab"]
BREAKING = [*MYSQL, *(f"tests/resilience/test_{name}.py::test" for name in "abcd")]
REALTIME = [f"tests/resilience/test_realtime.py::test_{name}" for name in "ab"]
ALL = [*FREE, *SHARED, *BREAKING, *REALTIME]


class Worker:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.done = 0
        self.shutting_down = False
        self.gateway = SimpleNamespace(id=id(self))

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += [ALL[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True


class Config:
    """As much of pytest's configuration as a scheduler asks for."""

    def __init__(self) -> None:
        self.option = self
        self.loadscopereorder = False

    def getvalue(self, _name: str) -> list[str]:
        return ["popen", "popen"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[Worker]]:
    """Run all tests on two workers in turn; the stack is up after some of them."""

    def run(up_after: int) -> list[Worker]:
        left = up_after

        def is_starting() -> bool:
            return left > 0

        monkeypatch.setattr(turns, "stack_is_starting", is_starting)
        workers = [Worker(), Worker()]
        scheduler: Any = Turns(Config())
        for worker in workers:
            scheduler.add_node(worker)
        for worker in workers:
            scheduler.add_node_collection(worker, ALL)
        scheduler.schedule()
        while any(worker.done < len(worker.given) for worker in workers):
            for worker in workers:
                if worker.done < len(worker.given):
                    left -= 1
                    scheduler.mark_test_complete(worker, ALL.index(worker.given[worker.done]))
                    worker.done += 1
        assert all(worker.shutting_down for worker in workers)
        return workers

    return run


@pytest.mark.parametrize("up_after", [0, 1, 3, 100])
def test_every_test_is_given_to_one_worker(
    run: Callable[[int], list[Worker]], up_after: int
) -> None:
    first, second = run(up_after)
    assert sorted(first.given + second.given) == sorted(ALL)


@pytest.mark.parametrize("up_after", [0, 1, 3, 100])
def test_those_that_break_the_stack_are_the_first_workers(
    run: Callable[[int], list[Worker]], up_after: int
) -> None:
    _, second = run(up_after)
    assert not set(second.given) & set(BREAKING)


def test_both_begin_without_the_stack_as_long_as_it_is_starting(
    run: Callable[[int], list[Worker]],
) -> None:
    first, second = run(1)
    assert first.given[0] in FREE
    assert second.given[0] in FREE


def test_what_needs_no_stack_is_left_for_the_time_when_one_breaks_it(
    run: Callable[[int], list[Worker]],
) -> None:
    first, second = run(0)
    assert [test for test in first.given if test not in SHARED] == BREAKING
    assert sorted(test for test in second.given if test not in SHARED) == sorted([*FREE, *REALTIME])
    assert set(first.given[:2]) | set(second.given[:2]) <= set(SHARED)


def test_the_second_worker_breaks_a_part_while_the_first_breaks_another(
    run: Callable[[int], list[Worker]],
) -> None:
    _, second = run(0)
    rest = [test for test in second.given if test not in SHARED]
    assert rest[0] in REALTIME


def test_who_breaks_one_part_lets_others_break_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(turns, "LOCAL", tmp_path)

    def may_have(nodeid: str) -> bool:
        with monkeypatch.context() as impatient:
            impatient.setattr(
                "tests.turns.fcntl.flock", lambda file, how: flock(file, how | LOCK_NB)
            )
            try:
                with turns._turn(nodeid):
                    return True
            except BlockingIOError:
                return False

    mysql, realtime, everything, shared = MYSQL[0], REALTIME[0], BREAKING[-1], SHARED[0]
    for held, asked, had in (
        (mysql, realtime, True),
        (mysql, mysql, False),
        (mysql, everything, False),
        (mysql, shared, False),
        (everything, realtime, False),
        (shared, realtime, False),
        (shared, shared, True),
    ):
        with turns._turn(held):
            assert may_have(asked) is had, (held, asked)
