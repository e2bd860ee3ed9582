"""ISO weeks in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from itemstream.reports.weeks import NoSuchWeek, Week


def test_a_week_goes_from_monday_to_monday_in_utc() -> None:
    week = Week.parse("2026-W47")
    assert week.starts_at == datetime(2026, 11, 16, tzinfo=UTC)
    assert week.ends_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert (week.days[0], week.days[-1]) == (date(2026, 11, 16), date(2026, 11, 22))
    assert str(week) == "2026-W47"


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 11, 22, 23, 59, 59, 999999, UTC), "2026-W47"),
        (datetime(2026, 11, 23, tzinfo=UTC), "2026-W48"),
        # The same moment as Sunday, 23:00 in UTC.
        (datetime(2026, 11, 23, 1, tzinfo=timezone(timedelta(hours=2))), "2026-W47"),
        # The ISO year begins with the week of its first Thursday.
        (datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-W01"),
    ],
)
def test_a_moment_lies_in_one_week(moment: datetime, week: str) -> None:
    assert str(Week.of(moment)) == week


def test_weeks_follow_each_other_over_the_years() -> None:
    week = Week.parse("2026-W53")
    assert [str(week.before), str(week.after)] == ["2026-W52", "2027-W01"]
    assert week.after.before == week
    assert sorted(["2027-W01", "2026-W53", "2026-W09"]) == ["2026-W09", "2026-W53", "2027-W01"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-47", "2026W47", "2026-w47", "2026-W7", " 2026-W47", "2026-W47\n"),
        *("2026-W00", "2026-W54", "2025-W53", "0000-W10", "0001-W01", "9999-W52", "٢٠٢٦-W47"),
    ],
)
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(NoSuchWeek, match="2026-W47"):
        Week.parse(text)
