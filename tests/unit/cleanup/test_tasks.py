"""A task's steps: within its time, from where it stopped, and what an error leaves."""

from __future__ import annotations

import pytest

from itemstream.cleanup.tasks import Budget, PagedTask, Removal, Step
from itemstream.dependencies import DependencyUnavailable


class Counting(PagedTask):
    """A task of some steps, of which one may fail; each takes a second."""

    name = "counting"

    def __init__(self, steps: int, failure: Exception | None = None) -> None:
        self.length, self.failure = steps, failure
        self.begun: list[str | None] = []
        self.saved: list[str | None] = []
        self.now = 0.0
        self.step_of_end, self.end = 0, BaseException()

    def step(self, position: str | None, *, dry_run: bool) -> Step:
        self.begun.append(position)
        self.now += 1
        number = int(position or 0) + 1
        if number == self.step_of_end:
            raise self.end
        if self.failure is not None and number == 2:
            raise self.failure
        further = str(number) if number < self.length else None
        return Step(Removal(removed=2, kept=1, errors=1), further)

    def budget(self, seconds: float, position: str | None = None) -> Budget:
        return Budget(seconds, position, clock=lambda: self.now, save=self.saved.append)


def test_a_task_that_has_time_comes_to_its_end() -> None:
    # Given
    task = Counting(3)

    # When
    account = task.run(task.budget(100))

    # Then
    assert (account.found, account.removed, account.kept, account.errors) == (12, 6, 3, 3)
    assert account.done
    assert account.position is None


def test_a_task_stops_when_its_time_is_over_and_goes_on_there() -> None:
    # Given
    task = Counting(5)

    # When
    first = task.run(task.budget(2))
    second = task.run(task.budget(100, first.position))

    # Then
    assert (first.done, first.position) == (False, "2")
    assert second.done
    assert task.begun == [None, "1", "2", "3", "4"]


def test_a_task_whose_process_is_ended_goes_on_after_its_last_step() -> None:
    # Given
    class Ended(BaseException):
        """What no task can catch, as the end of its process."""

    task = Counting(4)
    task.step_of_end, task.end = 3, Ended()

    # When
    with pytest.raises(Ended):
        task.run(task.budget(100))

    # Then
    assert task.saved == ["1", "2"]


def test_a_task_without_any_time_does_one_step() -> None:
    # Given
    task = Counting(5)

    # When
    account = task.run(task.budget(0))

    # Then
    assert (account.removed, account.position) == (2, "1")


def test_a_task_whose_dependency_is_away_goes_on_where_that_was() -> None:
    # Given
    task = Counting(3, DependencyUnavailable("S3"))

    # When
    account = task.run(task.budget(100))

    # Then
    assert (account.removed, account.errors, account.done) == (2, 2, False)
    assert account.position == "1"
    assert isinstance(account.fault, DependencyUnavailable)


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("denied")])
def test_a_task_with_a_fault_begins_anew_and_keeps_what_it_did(error: Exception) -> None:
    # Given
    task = Counting(3, error)

    # When
    account = task.run(task.budget(100))

    # Then
    assert (account.removed, account.errors, account.done) == (2, 2, False)
    assert account.position is None
    assert account.fault is error
