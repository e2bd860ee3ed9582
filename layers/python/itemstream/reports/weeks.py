"""Weeks as reports know them: ISO 8601 weeks, from Monday to Monday in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

__all__ = ["WEEK_PATTERN", "NoSuchWeek", "Week"]

WEEK_PATTERN = "^[0-9]{4}-W[0-9]{2}$"

_WEEK = re.compile("([0-9]{4})-W([0-9]{2})")


class NoSuchWeek(ValueError):  # noqa: N818
    """A text that names no week; the message says what does."""


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """
    A week.

    Parameters
    ----------
    year
        The ISO year, which begins with the week of the year's first Thursday.
    number
        1 to 52, or 53 in long years.
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Week:
        """
        Read a week as ISO 8601 writes it, such as ``2026-W47``.

        Raises
        ------
        NoSuchWeek
            It is none, or one that the calendar does not have.
        """
        match = _WEEK.fullmatch(text)
        try:
            if match is None:
                raise ValueError(text)
            week = cls(int(match[1]), int(match[2]))
            # The first and the last week that dates can be told of have no neighbours.
            week.before.first_day, week.after.first_day  # noqa: B018
        except (OverflowError, ValueError):
            raise NoSuchWeek("must be an ISO week that there is, such as 2026-W47") from None
        return week

    @classmethod
    def of(cls, moment: datetime) -> Week:
        """Return the week, in UTC, that a moment with a time zone lies in."""
        return cls._of_day(moment.astimezone(UTC).date())

    @property
    def first_day(self) -> date:
        """Its Monday."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def days(self) -> list[date]:
        """Its seven days."""
        return [self.first_day + timedelta(days=number) for number in range(7)]

    @property
    def starts_at(self) -> datetime:
        """Its first moment."""
        day = self.first_day
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return self.starts_at + timedelta(days=7)

    @property
    def before(self) -> Week:
        """The week before."""
        return self._of_day(self.first_day - timedelta(days=7))

    @property
    def after(self) -> Week:
        """The week after."""
        return self._of_day(self.first_day + timedelta(days=7))

    @classmethod
    def _of_day(cls, day: date) -> Week:
        year, number, _ = day.isocalendar()
        return cls(year, number)

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"
