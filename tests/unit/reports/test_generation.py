"""How a report is made, and when it is not."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.dependencies import DependencyUnavailable
from itemstream.reports.csv_lines import Change
from itemstream.reports.generation import Generation
from itemstream.reports.model import OutOfTime, Report, ReportNotFound, ReportRequest
from tests.fakes.reports import WEEK, figures, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from itemstream.reports.figures import WeekFigures
    from itemstream.reports.weeks import Week

NOW = datetime(2026, 11, 23, 6, 0, 12, tzinfo=UTC)


class Weeks:
    """Two weeks in memory, which go away in the middle if they are told to."""

    def __init__(self) -> None:
        self.away = False

    def tenants(self) -> Iterator[str]:
        yield "acme"

    @contextmanager
    def reading(self, tenant: str, *, check: Callable[[], None]) -> Iterator[Weeks]:
        assert tenant == "acme"
        yield self

    def figures(self, week: Week) -> WeekFigures:
        return figures(week, 2 if week == WEEK else 1)

    def categories(self, week: Week, *, most: int) -> list[Any]:
        assert (week, most) == (WEEK, 10)
        return []

    def changes(self, week: Week) -> Iterator[Change]:
        assert week == WEEK
        for number in range(30):
            if self.away and number == 15:
                raise DependencyUnavailable("MySQL")
            moment = datetime(2026, 11, 16, number % 24)  # noqa: DTZ001 - as MySQL has it
            yield Change(moment, "item.created", str(number), 1, *[None] * 5, f"{number}:1")


class Reports:
    """One row."""

    def __init__(self, report: Report | None) -> None:
        self.report = report
        self.settled: list[dict[str, Any]] = []

    def get(self, tenant: str, week: Week) -> Report:
        if self.report is None:
            raise ReportNotFound(str(week))
        return self.report

    def ready(self, asked: ReportRequest, **said: Any) -> bool:
        self.settled.append(said)
        return True


class Files(dict[str, bytes]):
    def put(self, key: str, form: str, body: bytes) -> None:
        self[key] = body

    def put_stream(self, key: str, form: str, chunks: Iterable[bytes]) -> None:
        self[key] = b"".join(chunks)


def generation(reports: Reports, files: Files, weeks: Weeks | None = None) -> Generation:
    return Generation(
        weeks=weeks or Weeks(),  # type: ignore[arg-type]
        reports=reports,  # type: ignore[arg-type]
        files=files,  # type: ignore[arg-type]
        page=lambda summary: f"<html>{summary.week}",
        clock=lambda: NOW,
    )


def test_a_report_has_three_files_and_is_ready() -> None:
    # Given
    reports, files = Reports(Report(request(), "pending")), Files()

    # When
    assert generation(reports, files).generate(request())

    # Then
    folder = f"acme/2026-W47/{request().id}"
    page, lines, document = (
        files.pop(f"{folder}/{name}") for name in ("report.html", "changes.csv", "report.json")
    )
    assert files == {}
    assert page == b"<html>2026-W47"
    assert lines.count(b"\r\n") == 31
    assert json.loads(document)["changes"]["now"] == 30
    assert reports.settled == [{"generated_at": NOW, "changes": 30, "calls": 200}]


def test_making_it_twice_makes_the_same() -> None:
    reports, files, again = Reports(Report(request(), "pending")), Files(), Files()
    generation(reports, files).generate(request())
    generation(reports, again).generate(request())
    assert files == again


@pytest.mark.parametrize(
    "report",
    [None, Report(request(), "ready"), Report(request(id="another"), "pending")],
    ids=["gone", "ready", "asked for again"],
)
def test_what_nobody_waits_for_is_not_made(report: Report | None) -> None:
    reports, files = Reports(report), Files()
    assert not generation(reports, files).generate(request())
    assert (files, reports.settled) == ({}, [])


def test_a_failed_report_is_made_when_it_is_redriven() -> None:
    reports = Reports(Report(request(), "failed", reason="no luck"))
    assert generation(reports, Files()).generate(request())
    assert reports.settled


def test_where_mysql_goes_away_nothing_is_ready() -> None:
    # Given
    reports, files, weeks = Reports(Report(request(), "pending")), Files(), Weeks()
    weeks.away = True

    # When
    with pytest.raises(DependencyUnavailable, match="MySQL"):
        generation(reports, files, weeks).generate(request())

    # Then
    assert (files, reports.settled) == ({}, [])


def test_a_file_that_takes_too_long_is_not_finished() -> None:
    # Given a clock that has run out when the lines are written
    reports, files = Reports(Report(request(), "pending")), Files()

    # When
    with pytest.raises(OutOfTime, match="asked for again"):
        generation(reports, files).generate(request(), remaining_seconds=lambda: 149.0)

    # Then
    assert (files, reports.settled) == ({}, [])
