"""A report as one self-contained page: no script, nothing from elsewhere, nothing left open."""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from itemstream.reports.charts import Chart, Column, columns, rows
from itemstream.reports.money import money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

    from itemstream.reports.comparison import Compared
    from itemstream.reports.summary import DayCounts, Summary

__all__ = ["Pages"]

# Dates are written out here: strftime's names depend on the machine's language.
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_KINDS = {
    "item.created": "items created",
    "item.updated": "items updated",
    "item.deleted": "items deleted",
    "image.ready": "images ready",
    "image.failed": "images failed",
}
_OUTCOMES = {
    "all": "all",
    "success": "success",
    "redirection": "redirection",
    "client_error": "client error",
    "server_error": "server error",
    "informational": "informational",
}
# As itemstream.calls.enrichment draws the lines.
_LATENCIES = {
    "instant": "below 100 ms",
    "fast": "below 300 ms",
    "noticeable": "below 1 s",
    "slow": "below 10 s",
    "stuck": "10 s or more",
}


class Pages:
    """
    Renders reports.

    Parameters
    ----------
    folder
        Where the templates are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def render(self, summary: Summary) -> str:
        """Return the page of a report; of the same figures, the same page."""
        return (
            self._page.render(
                report=summary,
                kinds=_KINDS,
                outcomes=_OUTCOMES,
                latencies=_LATENCIES,
                charts=_charts(summary),
                style=self._style,
                style_hash=_source_hash(self._style),
            ).strip()
            + "\n"
        )

    @cached_property
    def _style(self) -> str:
        return (self._folder / "report.css").read_text()

    @cached_property
    def _page(self) -> Template:
        environment = Environment(
            loader=FileSystemLoader(self._folder),
            # Whatever the files are called.
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters.update(
            number=lambda value: f"{value:,}",
            money=money,
            change=_change,
            day=_day,
            date=_date,
            moment=_moment,
            bytes=_bytes,
        )
        return environment.get_template("report.html")


def _charts(summary: Summary) -> dict[str, Chart]:
    charts = {
        "changes": columns(
            "Changes by day",
            _told(summary.changes, "changes in the week"),
            _KINDS,
            _columns(summary.changes_by_day),
        ),
    }
    if summary.categories:
        charts["categories"] = rows(
            "Categories in which most happened",
            f"{summary.categories[0].category or 'no category'} comes first, with "
            f"{summary.categories[0].changes.now:,} changes.",
            [(one.category or "no category", one.changes) for one in summary.categories],
        )
    calls = summary.all_calls
    if calls.calls.now or calls.calls.before:
        seen = {one.outcome for one in summary.calls}
        charts["calls"] = columns(
            "Calls by day and how they ended",
            _told(calls.calls, "calls in the week"),
            {outcome: name for outcome, name in _OUTCOMES.items() if outcome in seen - {"all"}},
            _columns(summary.calls_by_day),
        )
        charts["latencies"] = rows(
            "Calls by how long they felt",
            _told(calls.calls, "calls in the week"),
            [
                (f"{name}, {_LATENCIES[name]}", value)
                for name, value in calls.latency_classes.items()
            ],
        )
    return charts


def _columns(days: Sequence[DayCounts]) -> list[Column]:
    return [
        Column(
            (_DAYS[one.day.weekday()][:3], f"{one.day.day} {_MONTHS[one.day.month - 1][:3]}"),
            _day(one.day),
            one.total,
            one.counts,
        )
        for one in days
    ]


def _told(value: Compared, what: str) -> str:
    return f"{value.now:,} {what}, {value.before or 0:,} in the week before."


def _change(value: Compared | None, currency: str | None = None) -> str:
    """Say how a number differs from the week before, such as ``+12 (+5.0 %)``."""
    if value is None or value.difference is None:
        return "–"  # noqa: RUF001
    if value.difference == 0:
        return "no change"
    size = abs(value.difference)
    written = money(size, currency) if currency else f"{size:,}"
    sign = "+" if value.difference > 0 else "−"  # noqa: RUF001
    if value.percent is None:
        return f"{sign}{written} (new)"
    return f"{sign}{written} ({sign}{abs(value.percent):,.1f} %)"


def _day(day: date) -> str:
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def _date(day: date) -> str:
    return f"{_day(day)} {day.year}"


def _moment(moment: datetime) -> str:
    return f"{_date(moment.date())}, {moment:%H:%M} UTC"


def _bytes(value: int) -> str:
    size: float = value
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.1f}".removesuffix(".0") + f" {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def _source_hash(text: str) -> str:
    """Return what a content security policy calls a text by (CSP 3, "hash-source")."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
