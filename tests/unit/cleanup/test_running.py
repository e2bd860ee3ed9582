"""A run of tasks: independent of each other, within one time, kept unless it is dry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from itemstream.cleanup.running import clean_up
from itemstream.cleanup.tasks import Budget, Task, TaskAccount

if TYPE_CHECKING:
    from itemstream.cleanup.running import RunAccount

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


class InMemoryAccounts:
    """Positions and runs that live as long as the object."""

    def __init__(self, **positions: str | None) -> None:
        self.positions = dict(positions)
        self.runs: list[RunAccount] = []

    def position(self, task: str) -> str | None:
        return self.positions.get(task)

    def stop_at(self, task: str, position: str | None) -> None:
        self.positions[task] = position

    def add(self, run: RunAccount) -> None:
        self.runs.append(run)


class Given(Task):
    """A task that takes some seconds and ends as it is told."""

    def __init__(
        self, name: str, account: TaskAccount, *, takes: float = 1, share: int = 1
    ) -> None:
        self.name, self.account, self.takes, self.share = name, account, takes, share
        self.budgets: list[Budget] = []

    def run(self, budget: Budget) -> TaskAccount:
        self.budgets.append(budget)
        Clock.now += self.takes
        return self.account


class Clock:
    now = 0.0


def run(tasks: list[Given], accounts: InMemoryAccounts, *, dry_run: bool = False) -> RunAccount:
    Clock.now = 0.0
    return clean_up(
        tasks, accounts, seconds=60, dry_run=dry_run, now=lambda: NOW, clock=lambda: Clock.now
    )


DONE = TaskAccount(found=3, removed=3, done=True)
HALF = TaskAccount(found=5, removed=4, kept=1, position="further")
FAILED = TaskAccount(errors=1, fault=KeyError("secret"))


def test_every_task_goes_on_where_it_stopped_whatever_became_of_the_others() -> None:
    # Given
    accounts = InMemoryAccounts(b="there", c="old")
    tasks = [Given("a", FAILED), Given("b", HALF), Given("c", DONE)]

    # When
    account = run(tasks, accounts)

    # Then
    assert [task.budgets[0].position for task in tasks] == [None, "there", "old"]
    assert accounts.positions == {"a": None, "b": "further", "c": None}
    assert accounts.runs == [account]
    document = account.document()
    assert document["tasks"]["a"] == {
        "found": 0,
        "removed": 0,
        "kept": 0,
        "errors": 1,
        "done": False,
        "fault": "KeyError",
    }
    assert document["tasks"]["b"]["kept"] == 1
    assert (document["started_at"], document["id"]) == ("2026-11-21T03:00:00.000Z", account.id)


def test_what_a_task_does_not_need_of_its_time_the_others_have() -> None:
    # Given
    tasks = [Given("a", DONE, takes=2), Given("b", DONE, takes=50), Given("c", DONE)]

    # When
    run(tasks, InMemoryAccounts())

    # Then
    assert [task.budgets[0].seconds for task in tasks] == [20, 29, 8]


def test_a_task_has_its_share_of_the_time() -> None:
    # Given
    tasks = [
        Given("a", DONE, takes=15),
        Given("b", DONE, takes=0, share=2),
        Given("c", DONE, takes=30),
    ]

    # When
    run(tasks, InMemoryAccounts())

    # Then
    assert [task.budgets[0].seconds for task in tasks] == [15, 30, 45]


def test_where_a_task_is_is_kept_while_it_runs_but_not_of_a_dry_run() -> None:
    # Given
    accounts = InMemoryAccounts(a="there")
    task, dry = Given("a", HALF), Given("a", HALF)

    # When
    run([dry], accounts, dry_run=True)
    dry.budgets[0].save("nowhere")
    kept = dict(accounts.positions)
    run([task], accounts)
    task.budgets[0].save("later")

    # Then
    assert kept == {"a": "there"}
    assert accounts.positions == {"a": "later"}


def test_a_dry_run_leaves_no_trace() -> None:
    # Given
    accounts = InMemoryAccounts(a="there")
    task = Given("a", HALF)

    # When
    account = run([task], accounts, dry_run=True)

    # Then
    assert task.budgets[0].dry_run
    assert task.budgets[0].position == "there"
    assert account.tasks["a"].removed == 4
    assert (accounts.positions, accounts.runs) == ({"a": "there"}, [])
