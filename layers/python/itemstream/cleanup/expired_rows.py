"""Rows whose time to live has passed: DynamoDB may take days to remove them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from itemstream.cleanup.tasks import PagedTask, Removal, Step

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ExpiredRows", "Row", "RowPage", "ScannedRows"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows, decoded to JSON values, and where to go on; ``None`` at the end."""

    rows: list[Row]
    position: str | None


class ScannedRows(Protocol):
    """A table whose rows end at ``expires_at``, read from one end to the other."""

    def page(self, position: str | None, *, ended_by: int, whole: bool = False) -> RowPage:
        """Return rows that end by a moment (seconds since 1970): their keys, or the whole rows."""

    def remove_ended(self, rows: list[Row], *, by: int) -> Removal:
        """Remove those of the rows that still end by a moment."""

    def remove_unchanged(self, rows: list[Row]) -> Removal:
        """Remove those of the rows, whole ones, that are still the same."""


class ExpiredRows(PagedTask):
    """
    Removes rows that have ended.

    A connection's row ends when it is too old to be connected, and its subscriptions end with it.

    Parameters
    ----------
    name
        What the rows are, such as ``connections``.
    rows
        The table.
    clock
        Seconds since 1970.
    """

    def __init__(
        self, name: str, rows: ScannedRows, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self._rows = rows
        self._clock = clock

    def step(self, position: str | None, *, dry_run: bool) -> Step:
        """Remove a page's rows, each if it has ended still."""
        now = int(self._clock())
        page = self._rows.page(position, ended_by=now)
        if dry_run:
            return Step(Removal(removed=len(page.rows)), page.position)
        return Step(self._rows.remove_ended(page.rows, by=now), page.position)
