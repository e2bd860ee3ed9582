"""What the parameters of ``GET /calls`` ask for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from itemstream.api.problems import invalid
from itemstream.calls.repository import CallFilter

if TYPE_CHECKING:
    from itemstream.api.requests import Query

__all__ = ["PARAMETERS", "asked_filter"]

PARAMETERS = ("client_id", "status", "from", "to", "limit", "cursor")
DEFAULT_WINDOW = timedelta(days=7)
LONGEST_WINDOW = timedelta(days=92)
LONGEST_ID = 128

_STATUS = re.compile(r"([1-5])(?:xx|([0-9]{2}))")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?"
)


def asked_filter(query: Query, now: datetime) -> CallFilter:
    """
    Return which calls are asked for: without bounds, those of the last seven days.

    Raises
    ------
    Problem
        400 that names each parameter that is wrong.
    """
    start, end = _moment(query, "from"), _moment(query, "to")
    if end is None:
        end = now
    if start is None:
        start = end - DEFAULT_WINDOW
    if not start < end:
        raise invalid({"field": "from", "reason": "must be before to, which is now by default"})
    if end - start > LONGEST_WINDOW:
        raise invalid({"field": "from", "reason": "must be at most 92 days before to"})
    return CallFilter(start, end, query.text("client_id", longest=LONGEST_ID), _statuses(query))


def _moment(query: Query, name: str) -> datetime | None:
    text = query.text(name, longest=40)
    if text is None:
        return None
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        # A date is its first moment, in UTC.
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if moment - LONGEST_WINDOW < datetime.min.replace(tzinfo=UTC):
            raise ValueError(text)
    except (OverflowError, ValueError):
        reason = "must be a date, or a moment such as 2026-11-21T06:00:00Z"
        raise invalid({"field": name, "reason": reason}) from None
    return moment


def _statuses(query: Query) -> tuple[int, int] | None:
    text = query.text("status", longest=3)
    if text is None:
        return None
    match = _STATUS.fullmatch(text)
    if match is None:
        raise invalid({"field": "status", "reason": "must be a code such as 404, or a class: 4xx"})
    if match[2] is None:
        return int(match[1]) * 100, int(match[1]) * 100 + 99
    return int(text), int(text)
