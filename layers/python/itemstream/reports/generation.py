"""How a report is made: a page, a table of all changes and a document, from one reading."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from itemstream.reports.csv_lines import csv_chunks
from itemstream.reports.model import OutOfTime, ReportNotFound, file_key
from itemstream.reports.summary import Summary, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from itemstream.reports.model import Format, ReportRequest
    from itemstream.reports.repository import ReportFiles, ReportRepository, WeekSource

__all__ = ["Generation"]

TOP_CATEGORIES = 10
# What must be left before MySQL is asked for more: it may be silent for two minutes, and then
# three calls to AWS say that there was no time.
LEAST_SECONDS = 150.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Generation:
    """
    Makes reports.

    Parameters
    ----------
    weeks
        What happened.
    reports
        Where requests are, and what becomes of them.
    files
        Where the files go.
    page
        Renders a summary as HTML.
    clock
        Tells the time.
    """

    weeks: WeekSource
    reports: ReportRepository
    files: ReportFiles
    page: Callable[[Summary], str]
    clock: Callable[[], datetime] = _now

    def generate(
        self, request: ReportRequest, *, remaining_seconds: Callable[[], float] = lambda: math.inf
    ) -> bool:
        """
        Make the report that is asked for, unless it is ready, or was asked for again meanwhile.

        Making it twice does no harm: a request has files of its own, and the same figures give the
        same bytes.

        Parameters
        ----------
        request
            What is asked for.
        remaining_seconds
            Tells how long it may still take.

        Returns
        -------
        bool
            Whether it was made.

        Raises
        ------
        DependencyUnavailable
            If it can be made later.
        OutOfTime
            If it cannot be made in the time that is left.
        """
        if not self._wanted(request):
            return False

        def check() -> None:
            if remaining_seconds() < LEAST_SECONDS:
                raise OutOfTime("It took longer than it may. It can be asked for again.")

        week = request.week
        with self.weeks.reading(request.tenant, check=check) as reading:
            summary = summarise(
                request,
                reading.figures(week),
                reading.figures(week.before),
                reading.categories(week, most=TOP_CATEGORIES),
            )
            lines = _checked(csv_chunks(reading.changes(week)), check)
            self.files.put_stream(_key(request, "csv"), "csv", lines)
        document = json.dumps(summary.document(), ensure_ascii=False, indent=2) + "\n"
        self.files.put(_key(request, "json"), "json", document.encode())
        self.files.put(_key(request, "html"), "html", self.page(summary).encode())
        return self.reports.ready(
            request,
            generated_at=self.clock(),
            changes=summary.changes.now,
            calls=summary.all_calls.calls.now,
        )

    def _wanted(self, request: ReportRequest) -> bool:
        try:
            report = self.reports.get(request.tenant, request.week)
        except ReportNotFound:
            return False
        return report.request.id == request.id and report.status != "ready"


def _checked(chunks: Iterable[bytes], check: Callable[[], None]) -> Iterator[bytes]:
    for chunk in chunks:
        check()
        yield chunk


def _key(request: ReportRequest, form: Format) -> str:
    return file_key(request.tenant, str(request.week), request.id, form)
