"""The tables of reports, made anew from all that is kept: step by step, and while others write.

What is kept is the log of events (for its retention), the items as they are, and all calls. Each is
read page by page and given to the same projection that live events go through, which knows what
is older and what it has: so a rebuild may run beside it, be broken off, and be begun again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from itemstream.reports.projected_events import (
    NotProjectable,
    change_of,
    counted_call,
    is_projected,
    state_of_item,
)
from itemstream.reports.projection import project_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from itemstream.reports.projection import Projection

__all__ = ["TASKS", "KeptPage", "KeptRecords", "Losses", "Order", "Rebuilding", "Step"]

TASKS = ("tenants", "losses", "empty", "events", "items", "calls")
MOST_REASONS = 10

Record = TypeVar("Record")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Order:
    """
    A step that is asked for.

    Parameters
    ----------
    task
        One of :data:`TASKS`: list the tenants, say what emptying would lose, empty, or project
        events, items or calls.
    tenant
        Whose; all tenants' for ``tenants``, and for ``calls`` where it is empty.
    position
        Where an earlier step says to go on; ``None`` to begin.
    """

    task: str
    tenant: str = ""
    position: Any = None

    @classmethod
    def read(cls, event: Any) -> Order:
        """
        Read what the function was called with.

        Raises
        ------
        ValueError
            If it is no order; the message says why.
        """
        if not isinstance(event, dict) or event.get("task") not in TASKS:
            raise ValueError(f"task must be one of {', '.join(TASKS)}")
        order = cls(event["task"], event.get("tenant", ""), event.get("position"))
        if not isinstance(order.tenant, str) or not (
            order.tenant or order.task in ("tenants", "calls")
        ):
            raise ValueError(f"task {order.task} needs a tenant")
        return order


@dataclass(slots=True)
class Step:
    """
    What a step did.

    Parameters
    ----------
    position
        Where to go on; ``None`` if the task is done.
    records
        How many were read, or rows that were emptied.
    refused
        How many of them can never be projected.
    reasons
        Why, of some of these.
    answer
        What was asked for, of the tasks that do nothing.
    """

    position: Any = None
    records: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)
    answer: Any = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Losses:
    """
    What emptying a tenant's rows loses for good.

    Parameters
    ----------
    changes
        Rows of ``item_changes`` whose events the log no longer has.
    deleted_items
        Rows of items that were deleted before that.
    kept_from
        When the first event of the log happened, in ISO 8601; ``None`` if it is empty.
    """

    changes: int
    deleted_items: int
    kept_from: str | None


@dataclass(frozen=True, slots=True)
class KeptPage:
    """
    Some of what is kept.

    Parameters
    ----------
    records
        JSON values.
    position
        Where the next page begins; ``None`` at the end.
    """

    records: list[Any] = field(default_factory=list)
    position: Any = None


class KeptRecords(Protocol):
    """What is kept, in pages."""

    def tenants(self, position: Any) -> KeptPage:
        """Return tenants that have a log."""

    def first_event(self, tenant: str) -> dict[str, Any] | None:
        """Return the first event of a tenant's log that is still there."""

    def events(self, tenant: str, position: Any) -> KeptPage:
        """Return events of a tenant's log."""

    def items(self, tenant: str, position: Any) -> KeptPage:
        """Return a tenant's items as they are."""

    def calls(self, tenant: str, position: Any) -> KeptPage:
        """Return rows of silver; of all tenants if none is named."""


class Tables(Protocol):
    """The tables, as only a rebuild uses them."""

    def empty_some(self, tenant: str) -> int:
        """Delete some of a tenant's rows; return how many, 0 if there are none left."""

    def rows_before(self, tenant: str, moment: datetime | None) -> tuple[int, int]:
        """Count changes, and items that were deleted, before a moment; all without one."""


class Rebuilding:
    """
    The steps.

    Parameters
    ----------
    kept
        What is read.
    projection
        Where it goes.
    tables
        The same tables, to be emptied.
    unreported
        A tenant whose events are not projected: the canary.
    """

    def __init__(
        self, kept: KeptRecords, projection: Projection, tables: Tables, unreported: str
    ) -> None:
        self._kept = kept
        self._projection = projection
        self._tables = tables
        self._unreported = unreported

    def step(self, order: Order, in_time: Callable[[], bool]) -> Step:
        """
        Do a part of a task: one page at least, and more for as long as there is time.

        Raises
        ------
        DependencyUnavailable
            The same step may be asked for again.
        """
        match order.task:
            case "tenants":
                page = self._kept.tenants(order.position)
                known = [one for one in page.records if one != self._unreported]
                return Step(page.position, len(known), answer=known)
            case "losses":
                return Step(answer=asdict(self._losses(order.tenant)))
            case "empty":
                return self._emptied(order.tenant, in_time)
            case "events":
                return self._pages(order, self._kept.events, self._project_events, in_time)
            case "items":
                return self._pages(order, self._kept.items, self._project_items, in_time)
            case _:
                return self._pages(order, self._kept.calls, self._project_calls, in_time)

    def _losses(self, tenant: str) -> Losses:
        first = self._kept.first_event(tenant)
        kept_from = None if first is None else str(first["time"])
        moment = None if kept_from is None else datetime.fromisoformat(kept_from)
        return Losses(*self._tables.rows_before(tenant, moment), kept_from)

    def _emptied(self, tenant: str, in_time: Callable[[], bool]) -> Step:
        step = Step()
        while emptied := self._tables.empty_some(tenant):
            step.records += emptied
            if not in_time():
                # It goes on wherever there are rows.
                step.position = "more"
                break
        return step

    def _pages(
        self,
        order: Order,
        read: Callable[[str, Any], KeptPage],
        project: Callable[[str, list[Any]], list[str]],
        in_time: Callable[[], bool],
    ) -> Step:
        step = Step(order.position)
        while True:
            page = read(order.tenant, step.position)
            reasons = project(order.tenant, page.records)
            step.refused += len(reasons)
            step.reasons = [*step.reasons, *reasons][:MOST_REASONS]
            step.records += len(page.records)
            step.position = page.position
            if step.position is None or not in_time():
                return step

    def _project_events(self, tenant: str, events: list[Any]) -> list[str]:
        del tenant
        told = (event for event in events if is_projected(event))
        return _project(told, change_of, self._projection.add_changes)

    def _project_items(self, tenant: str, items: list[Any]) -> list[str]:
        return _project(
            items, lambda item: state_of_item(tenant, item), self._projection.add_states
        )

    def _project_calls(self, tenant: str, rows: list[Any]) -> list[str]:
        del tenant
        told = (row for row in rows if row.get("tenant") != self._unreported)
        return _project(told, counted_call, self._projection.add_calls)


def _project(
    records: Iterable[Record],
    read: Callable[[Record], Row],
    project: Callable[[Sequence[Row]], Any],
) -> list[str]:
    """Project what can be; return why the others cannot."""
    rows: list[Row] = []
    reasons: list[str] = []
    for record in records:
        try:
            rows.append(read(record))
        except NotProjectable as reason:
            reasons.append(str(reason))
    return [*reasons, *project_each(rows, project).values()]
