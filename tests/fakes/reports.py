"""A week of a tenant, with something of everything."""

from __future__ import annotations

from typing import Any

from itemstream.reports.figures import CallFigures, CategoryFigures, StockFigures, WeekFigures
from itemstream.reports.model import ReportRequest
from itemstream.reports.percentiles import duration_bucket
from itemstream.reports.summary import Summary, summarise
from itemstream.reports.weeks import Week

WEEK = Week(2026, 47)
HOSTILE = "<script>alert('1')</script>"


def request(**changes: Any) -> ReportRequest:
    usual = {
        "tenant": "acme",
        "week": WEEK,
        "id": "01a1fc6a-9e31-71b5-8082-5ae5315ada06",
        "requested_at": "2026-11-23T06:00:00.000Z",
    }
    return ReportRequest(**{**usual, **changes})


def figures(week: Week = WEEK, times: int = 1) -> WeekFigures:
    """Make a week in which everything happened so many times as usual."""
    monday, sunday = week.days[0], week.days[6]
    return WeekFigures(
        changes={
            (monday, "item.created"): 4 * times,
            (monday, "item.updated"): 3 * times,
            (sunday, "item.deleted"): 2 * times,
            (sunday, "image.ready"): 5 * times,
            (sunday, "image.failed"): times,
        },
        stock={
            "EUR": StockFigures(10 * times, 100 * times, 123456 * times),
            "JPY": StockFigures(1, 2, 3000),
            None: StockFigures(7, 8, 0),
        },
        calls={
            ("success", "instant"): CallFigures(
                90 * times, {duration_bucket(20): 90 * times}, 9, 1
            ),
            ("server_error", "slow"): CallFigures(10 * times, {duration_bucket(2000): 10 * times}),
        },
        calls_by_day={(monday, "success"): 90 * times, (sunday, "server_error"): 10 * times},
    )


def summary(**changes: Any) -> Summary:
    """Make a report of a week with twice as much of everything as the week before."""
    categories = [CategoryFigures("furniture", 8, 4), CategoryFigures(None, 2, 0)]
    return summarise(
        changes.pop("request", request()),
        changes.pop("figures", figures(times=2)),
        changes.pop("before", figures(WEEK.before)),
        changes.pop("categories", categories),
    )


def nothing() -> WeekFigures:
    return WeekFigures({}, {}, {}, {})
