"""What the errors of reports mean over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from itemstream.api.problems import Problem
from itemstream.reports.model import ReportNotFound, WeekRefused
from itemstream.reports.weeks import NoSuchWeek

__all__ = ["report_problem"]


def report_problem(error: Exception) -> Problem | None:
    """Return the problem that a report's error is, or ``None`` for any other."""
    match error:
        case ReportNotFound():
            return Problem(
                HTTPStatus.NOT_FOUND, "There is no report of that week.", slug="report-not-found"
            )
        case NoSuchWeek() | WeekRefused():
            return Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"There can be no report of that week: it {error}.",
                slug="week-refused",
                errors=[{"field": "week", "reason": str(error)}],
            )
        case _:
            return None
