"""Links to reports for notifications: signed when they are sent, and good for a working day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from itemstream.items.model import timestamp
from itemstream.reports.model import file_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.reports.repository import ReportFiles

__all__ = ["LINK_SECONDS", "report_link"]

# The role's credentials may end sooner: see itemstream.reports.s3. Nobody is told of more.
LINK_SECONDS = 6 * 3600


def _now() -> datetime:
    return datetime.now(UTC)


def report_link(
    event: dict[str, Any], files: ReportFiles, clock: Callable[[], datetime] = _now
) -> dict[str, str] | None:
    """
    Return where the page of a report is, and until when, for an event ``report.ready``.

    Returns
    -------
    dict or None
        ``url`` and ``expires_at``; ``None`` if the event left its data behind.
    """
    data = event.get("data") or {}
    if "request_id" not in data or "week" not in data:
        return None
    key = file_key(event["tenant"], str(data["week"]), str(data["request_id"]), "html")
    expires_at = clock() + timedelta(seconds=LINK_SECONDS)
    return {"url": files.url(key, seconds=LINK_SECONDS), "expires_at": timestamp(expires_at)}
