"""A tenant's report of a week: asked for, then made, then ready or failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, get_args

from itemstream.items.model import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from itemstream.reports.weeks import Week

__all__ = [
    "FORMATS",
    "STALE_AFTER",
    "Format",
    "OutOfTime",
    "Report",
    "ReportNotFound",
    "ReportRequest",
    "Status",
    "WeekRefused",
    "file_key",
]

Format = Literal["html", "csv", "json"]
Status = Literal["pending", "ready", "failed"]

FORMATS: tuple[Format, ...] = get_args(Format)
# Longer than a record of the stream is tried (12 hours): a report that is pending for so long is
# one that nobody makes any more.
STALE_AFTER = timedelta(hours=13)

_FILE_NAMES: dict[Format, str] = {
    "html": "report.html",
    "csv": "changes.csv",
    "json": "report.json",
}


class ReportNotFound(Exception):  # noqa: N818
    """The tenant has no report of that week."""


class OutOfTime(Exception):  # noqa: N818
    """A report takes longer than there is time for; the message is for whoever asked for it."""


class WeekRefused(ValueError):  # noqa: N818
    """A week of which there can be no report; the message says why."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """
    That a report is to be made.

    Parameters
    ----------
    tenant
        Whose it is.
    week
        Which week it is of.
    id
        UUIDv7 of this request: a report that is made anew has another.
    requested_at
        When it was asked for, in ISO 8601.
    requested_by
        Subject of the token that asked for it; ``None`` for the weekly schedule.
    """

    tenant: str
    week: Week
    id: str
    requested_at: str
    requested_by: str | None = None

    @classmethod
    def new(
        cls, tenant: str, week: Week, *, now: datetime, requested_by: str | None = None
    ) -> ReportRequest:
        """
        Ask for a report.

        Raises
        ------
        WeekRefused
            The week has not begun.
        """
        if week.starts_at > now:
            raise WeekRefused("has not begun: a report is of what has happened")
        from uuid_utils import uuid7

        return cls(tenant, week, str(uuid7()), timestamp(now), requested_by)


@dataclass(frozen=True, slots=True)
class Report:
    """
    A report as it stands.

    Parameters
    ----------
    request
        The latest request for it.
    status
        What became of that.
    generated_at
        When it was ready, in ISO 8601; ``None`` until then.
    reason
        Why it failed.
    changes, calls
        How many of them the week had; ``None`` until it is ready.
    """

    request: ReportRequest
    status: Status
    generated_at: str | None = None
    reason: str | None = None
    changes: int | None = None
    calls: int | None = None

    def document(self) -> dict[str, object]:
        """Return the report as clients see it, but for where its files are."""
        week = self.request.week
        return {
            "id": str(week),
            "starts_at": timestamp(week.starts_at),
            "ends_at": timestamp(week.ends_at),
            "status": self.status,
            "reason": self.reason,
            "requested_at": self.request.requested_at,
            "requested_by": self.request.requested_by,
            "generated_at": self.generated_at,
            "changes": self.changes,
            "calls": self.calls,
        }


def file_key(tenant: str, week: str, request_id: str, form: Format) -> str:
    """Return the key of a report's file in the bucket."""
    return f"{tenant}/{week}/{request_id}/{_FILE_NAMES[form]}"
