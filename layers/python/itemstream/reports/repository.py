"""The ports to where reports are known, to where their files lie, and to what they tell of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from itemstream.reports.csv_lines import Change
    from itemstream.reports.figures import CategoryFigures, WeekFigures
    from itemstream.reports.model import Format, Report, ReportRequest
    from itemstream.reports.weeks import Week

__all__ = ["ReportFiles", "ReportPage", "ReportRepository", "WeekReading", "WeekSource"]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """
    One page of a list, newest week first.

    Parameters
    ----------
    reports
        At most as many as were asked for.
    next_before
        The week below which the next page starts; ``None`` at the end of the list.
    """

    reports: list[Report]
    next_before: str | None


class ReportRepository(Protocol):
    """Where reports are known: DynamoDB."""

    def request(self, request: ReportRequest) -> Report:
        """
        Have a report made, unless it is being made; return it as it stands then.

        A request that has been pending for longer than anybody tries to fulfil it gives way.
        """
        ...

    def request_once(self, request: ReportRequest) -> bool:
        """
        Have a report made unless its week's was asked for after the week had ended.

        Returns whether it will be made by this request.
        """
        ...

    def get(self, tenant: str, week: Week) -> Report:
        """Return a report, or raise :class:`itemstream.reports.model.ReportNotFound`."""
        ...

    def ready(
        self, request: ReportRequest, *, generated_at: datetime, changes: int, calls: int
    ) -> bool:
        """Note that it is ready; false if something else was asked for meanwhile."""
        ...

    def fail(self, request: ReportRequest, reason: str) -> bool:
        """Note why it failed; false if something else was asked for, or it is ready."""
        ...

    def page(self, tenant: str, *, limit: int, before: str | None = None) -> ReportPage:
        """Return up to ``limit`` reports of weeks before ``before``, newest first."""
        ...


class ReportFiles(Protocol):
    """Where the files of reports lie: S3."""

    def put(self, key: str, form: Format, body: bytes) -> None:
        """Store a file."""
        ...

    def url(self, key: str, *, seconds: int) -> str:
        """Return an address from which a file can be read for so long."""
        ...

    def put_stream(self, key: str, form: Format, chunks: Iterable[bytes]) -> None:
        """Store a file of any length, a part at a time."""
        ...


class WeekSource(Protocol):
    """What happened: MySQL."""

    def tenants(self) -> Iterator[str]:
        """Yield all tenants of whom anything is known."""
        ...

    def reading(
        self, tenant: str, *, check: Callable[[], None]
    ) -> AbstractContextManager[WeekReading]:
        """
        Hold what is known of a tenant still while it is read.

        ``check`` is called before each question to it, and raises to end the reading.
        """
        ...


class WeekReading(Protocol):
    """A tenant's weeks as they are known at one moment."""

    def figures(self, week: Week) -> WeekFigures:
        """Return what a week amounts to."""
        ...

    def categories(self, week: Week, *, most: int) -> list[CategoryFigures]:
        """Return the categories in which most happened, and what did so the week before."""
        ...

    def changes(self, week: Week) -> Iterator[Change]:
        """Yield every change of a week, oldest first, however many there are."""
        ...
