"""A run of all tasks: each gets its share of the time, and none keeps another from its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from itemstream.cleanup.tasks import Budget, TaskAccount
from itemstream.items.model import new_item_id, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itemstream.cleanup.tasks import Task

__all__ = ["Accounts", "RunAccount", "clean_up"]


@dataclass(frozen=True)
class RunAccount:
    """
    What a run did.

    Parameters
    ----------
    id
        A UUIDv7.
    started_at, ended_at
        When, in ISO 8601.
    dry_run
        Whether it removed nothing and only says what it would have removed.
    tasks
        The account of each task, by its name.
    """

    id: str
    started_at: str
    ended_at: str
    dry_run: bool
    tasks: dict[str, TaskAccount]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, as its event and its row tell it."""
        return {
            "id": self.id,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "tasks": {
                name: {
                    "found": account.found,
                    "removed": account.removed,
                    "kept": account.kept,
                    "errors": account.errors,
                    "done": account.done,
                    # Its kind alone: what an error says may quote what somebody sent.
                    "fault": type(account.fault).__name__ if account.fault else None,
                }
                for name, account in self.tasks.items()
            },
        }


class Accounts(Protocol):
    """Where runs and positions are kept: DynamoDB."""

    def position(self, task: str) -> str | None:
        """Return where a task goes on; ``None`` from the beginning."""

    def stop_at(self, task: str, position: str | None) -> None:
        """Keep where a task goes on."""

    def add(self, run: RunAccount) -> None:
        """Keep what a run did, for its event."""


def clean_up(
    tasks: Sequence[Task],
    accounts: Accounts,
    *,
    seconds: float,
    dry_run: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> RunAccount:
    """
    Run tasks one after the other, in `seconds` together.

    What one does not need of its share the others have. A dry run goes where a real one would, and
    is not kept.

    Raises
    ------
    DependencyUnavailable
        If positions or the run's account cannot be read or kept.
    """
    started, ends = now(), clock() + seconds
    done: dict[str, TaskAccount] = {}
    for number, task in enumerate(tasks):
        shares = sum(further.share for further in tasks[number:])
        budget = Budget(
            max(0.0, ends - clock()) * task.share / shares,
            accounts.position(task.name),
            dry_run,
            clock,
        )
        if not dry_run:
            budget = replace(budget, save=partial(accounts.stop_at, task.name))
        account = task.run(budget)
        done[task.name] = account
        if not dry_run:
            accounts.stop_at(task.name, account.position)
    run = RunAccount(new_item_id(), timestamp(started), timestamp(now()), dry_run, done)
    if not dry_run:
        accounts.add(run)
    return run
