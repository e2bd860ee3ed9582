"""The rows that reports are made of, and how they are kept right.

Whatever comes late, twice or in another order leaves the same rows: a change is known by its
event's id, a call by its own, and what is told of an item replaces only what is older. How old is
its *position*: twice the item's version, and one more if it was deleted. A picture that becomes an
item's moves it to a new version without telling its content again, so the content has a position
of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from itemstream.reports.percentiles import duration_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

__all__ = [
    "CountedCall",
    "ItemChange",
    "ItemContent",
    "ItemState",
    "Projection",
    "RowsRefused",
    "project_each",
    "state_of_change",
]

Row = TypeVar("Row")


class RowsRefused(Exception):  # noqa: N818
    """The database will never take one of the rows that it was given; the message says why."""


@dataclass(frozen=True, slots=True)
class ItemContent:
    """What reports tell of an item: category, status, price in minor units, and quantity."""

    category: str | None
    status: str
    currency: str | None
    price_amount: int | None
    quantity: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ItemChange:
    """
    Something that happened to an item or one of its pictures.

    Parameters
    ----------
    tenant, event_id
        Whose it is, and the event's id, unique in the tenant.
    kind
        The event's type.
    item_id
        The item.
    version
        The item's version afterwards, or its last one; ``None`` for a picture that failed.
    occurred_at
        When, in UTC.
    content
        The item's content afterwards, where the event tells it.
    images
        How many images the item has afterwards, where the event tells it.
    """

    tenant: str
    event_id: str
    kind: str
    item_id: str
    version: int | None
    occurred_at: datetime
    content: ItemContent | None = None
    images: int | None = None


@dataclass(frozen=True, slots=True)
class ItemState:
    """
    An item as something tells of it.

    Parameters
    ----------
    tenant, item_id
        Whose item, and which.
    position
        Of its version, its images and when it was updated; what is higher counts.
    content_position
        Of its content: the same, or 0 where nothing is told of it.
    version
        The item's version.
    deleted
        Whether it is gone.
    content
        Its content; ``None`` if it is gone, or nothing is told of it.
    images
        How many images it has.
    updated_at
        When it came to be so, in UTC.
    """

    tenant: str
    item_id: str
    position: int
    content_position: int
    version: int
    deleted: bool
    content: ItemContent | None
    images: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CountedCall:
    """
    A call as reports count it.

    Parameters
    ----------
    tenant, call_id
        Whose it is, and its id, unique in the tenant.
    hour
        The hour in which it was made, in UTC.
    outcome, latency_class
        As in :mod:`itemstream.calls.enrichment`.
    duration_ms, bytes_in, bytes_out
        What it took; bytes that nobody counted are 0.
    """

    tenant: str
    call_id: str
    hour: datetime
    outcome: str
    latency_class: str
    duration_ms: int
    bytes_in: int
    bytes_out: int

    @property
    def duration_bucket(self) -> int:
        """See :mod:`itemstream.reports.percentiles`."""
        return duration_bucket(self.duration_ms)


class Projection(Protocol):
    """Where the rows are."""

    def add_changes(self, changes: Sequence[ItemChange]) -> int:
        """
        Keep changes and what they say of their items, all or none; return how many were new.

        Raises
        ------
        RowsRefused
            If there is one that will never be taken.
        DependencyUnavailable
            They may have been kept, and may be given again.
        """

    def add_states(self, states: Sequence[ItemState]) -> None:
        """Keep what is told of items, all or none; raises as :meth:`add_changes`."""

    def add_calls(self, calls: Sequence[CountedCall]) -> int:
        """Count calls that were not counted yet; as :meth:`add_changes`."""


def state_of_change(change: ItemChange) -> ItemState | None:
    """Return what a change says of its item's state; ``None`` if nothing."""
    if change.version is None:
        return None
    deleted = change.kind == "item.deleted"
    if not deleted and change.images is None:
        return None
    position = 2 * change.version + deleted
    return ItemState(
        change.tenant,
        change.item_id,
        position,
        position if deleted or change.content else 0,
        change.version,
        deleted,
        change.content,
        change.images or 0,
        change.occurred_at,
    )


def project_each(rows: Sequence[Row], project: Callable[[Sequence[Row]], Any]) -> dict[int, str]:
    """
    Project rows together; where the database refuses one, all the others all the same.

    Returns
    -------
    dict
        The number of each row that was refused, and why.

    Raises
    ------
    DependencyUnavailable
        Some may have been projected, and all may be given again.
    """
    refused: dict[int, str] = {}
    parts = [range(len(rows))] if rows else []
    while parts:
        part = parts.pop()
        try:
            project(rows[part.start : part.stop])
        except RowsRefused as error:
            if len(part) == 1:
                refused[part.start] = str(error)
            else:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
    return refused
