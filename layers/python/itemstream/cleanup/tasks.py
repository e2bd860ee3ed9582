"""A task: steps within a budget of time, from where the last run stopped."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from itemstream.dependencies import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Budget", "PagedTask", "Removal", "Step", "SteppedTask", "Task", "TaskAccount"]


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of things that were to be removed; those that had changed are kept."""

    removed: int = 0
    kept: int = 0
    errors: int = 0

    def __add__(self, other: Removal) -> Removal:
        """Return both together."""
        return Removal(
            self.removed + other.removed, self.kept + other.kept, self.errors + other.errors
        )


@dataclass(frozen=True, slots=True)
class Step:
    """
    What one step came to.

    Parameters
    ----------
    removal
        What was removed; in a dry run, what would have been.
    position
        Where the next step begins; ``None`` if that was the last.
    more
        Whether there is more to do where this one began, which is the position then.
    """

    removal: Removal
    position: str | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class TaskAccount:
    """
    What a task did in a run.

    Parameters
    ----------
    found
        Things that were over.
    removed, kept, errors
        What became of them: kept is what somebody had changed meanwhile. An error is one thing
        that could not be removed, or a step that failed.
    done
        Whether all there is was looked at.
    position
        Where the next run goes on; ``None`` from the beginning.
    fault
        The error that ended it, if one did.
    """

    found: int = 0
    removed: int = 0
    kept: int = 0
    errors: int = 0
    done: bool = False
    position: str | None = None
    fault: Exception | None = None

    def after(self, step: Step) -> TaskAccount:
        """Return the account with one more step."""
        done = step.removal
        return replace(
            self,
            found=self.found + done.removed + done.kept + done.errors,
            removed=self.removed + done.removed,
            kept=self.kept + done.kept,
            errors=self.errors + done.errors,
            done=step.position is None and not step.more,
            position=step.position,
        )


@dataclass(frozen=True)
class Budget:
    """
    What a task may take, and where it goes on.

    Parameters
    ----------
    seconds
        How long it may begin steps; the first it begins whatever the time.
    position
        Where it goes on; ``None`` from the beginning.
    dry_run
        Whether it removes nothing and counts what it would remove.
    clock
        Seconds that only grow.
    save
        Keeps where it would go on if it ended now.
    """

    seconds: float
    position: str | None = None
    dry_run: bool = False
    clock: Callable[[], float] = time.monotonic
    save: Callable[[str | None], None] = lambda _: None
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        object.__setattr__(self, "started", self.clock())

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self.clock() - self.started >= self.seconds


class Task(ABC):
    """
    One kind of thing that is over some day.

    Parameters
    ----------
    name
        What it is called.
    share
        Its part of a run's time, beside those of the other tasks.
    """

    name: str
    share: int = 1

    @abstractmethod
    def run(self, budget: Budget) -> TaskAccount:
        """
        Remove what is over, as far as the budget goes; what fails is in the account.

        Raises
        ------
        DependencyUnavailable
            If the position cannot be saved.
        """


class SteppedTask(Task):
    """A task that may end after any of its steps and go on in the next run."""

    def run(self, budget: Budget) -> TaskAccount:
        """Do steps until all is done, the time is over or one fails; what they did counts."""
        account = TaskAccount(position=budget.position)
        steps = self.steps(budget.position, dry_run=budget.dry_run)
        while True:
            before = account.position
            try:
                step = next(steps)
            except DependencyUnavailable as unavailable:
                return replace(account, errors=account.errors + 1, fault=unavailable)
            except Exception as error:
                # From the beginning: what cannot be read must not stop this task for ever.
                return replace(account, errors=account.errors + 1, fault=error, position=None)
            account = account.after(step)
            if account.done or budget.spent:
                return account
            if account.position != before:
                # Whatever ends this process, the next run begins here.
                budget.save(account.position)

    @abstractmethod
    def steps(self, position: str | None, *, dry_run: bool) -> Iterator[Step]:
        """
        Do the steps from a position to the end, one whenever the next is asked for.

        Each is a matter of seconds.

        Raises
        ------
        DependencyUnavailable
            If a step was not possible now.
        """


class PagedTask(SteppedTask):
    """A task whose steps are all alike."""

    def steps(self, position: str | None, *, dry_run: bool) -> Iterator[Step]:
        """Look at one page after the other."""
        while True:
            step = self.step(position, dry_run=dry_run)
            yield step
            position = step.position

    @abstractmethod
    def step(self, position: str | None, *, dry_run: bool) -> Step:
        """
        Look at one page and remove what is over there: a matter of seconds.

        Raises
        ------
        DependencyUnavailable
            If that was not possible now.
        """
