"""Reports in their table: one job for a week, and only the latest request counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.reports.dynamodb import DynamoReports, DynamoReportsSettings
from itemstream.reports.model import STALE_AFTER, ReportNotFound, ReportRequest, WeekRefused
from itemstream.reports.weeks import Week
from tests.fakes.reports import WEEK
from tests.fakes.tables import REPORTS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def reports(aws: None) -> Iterator[DynamoReports]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield DynamoReports(aws_client("dynamodb"), DynamoReportsSettings(REPORTS))


def ask(week: Week = WEEK, *, tenant: str = "acme", now: datetime = NOW) -> ReportRequest:
    return ReportRequest.new(tenant, week, now=now, requested_by="alice")


def test_a_report_that_is_asked_for_is_pending(reports: DynamoReports) -> None:
    # When
    report = reports.request(asked := ask())

    # Then
    assert report == reports.get("acme", WEEK)
    assert (report.status, report.request) == ("pending", asked)


def test_a_pending_report_is_not_asked_for_twice(reports: DynamoReports) -> None:
    first = ask()
    reports.request(first)
    assert reports.request(ask(now=NOW + timedelta(hours=12))).request == first
    assert reports.get("acme", WEEK).request == first


def test_a_report_that_nobody_makes_any_more_is_asked_for_anew(reports: DynamoReports) -> None:
    reports.request(ask())
    later = ask(now=NOW + STALE_AFTER + timedelta(milliseconds=1))
    assert reports.request(later).request == later


@pytest.mark.parametrize("outcome", ["ready", "failed"])
def test_a_report_that_is_settled_is_made_anew(reports: DynamoReports, outcome: str) -> None:
    # Given
    reports.request(first := ask())
    if outcome == "ready":
        reports.ready(first, generated_at=NOW, changes=1, calls=2)
    else:
        reports.fail(first, "no luck")
    assert reports.get("acme", WEEK).status == outcome

    # When
    report = reports.request(second := ask(now=NOW + timedelta(minutes=1)))

    # Then nothing of the first is left
    assert report == reports.get("acme", WEEK)
    assert (report.request, report.status) == (second, "pending")
    assert (report.generated_at, report.reason, report.changes) == (None, None, None)


def test_a_report_is_ready_with_what_it_tells(reports: DynamoReports) -> None:
    reports.request(asked := ask())
    assert reports.ready(asked, generated_at=NOW, changes=3, calls=4)
    report = reports.get("acme", WEEK)
    assert (report.status, report.changes, report.calls) == ("ready", 3, 4)
    assert report.generated_at == "2026-11-23T09:30:00.000Z"


def test_who_made_an_earlier_request_changes_nothing(reports: DynamoReports) -> None:
    # Given
    reports.request(first := ask())
    reports.fail(first, "no luck")
    reports.request(second := ask())

    # When / Then
    assert not reports.ready(first, generated_at=NOW, changes=1, calls=1)
    assert not reports.fail(first, "no luck again")
    assert reports.get("acme", WEEK).request == second
    assert reports.get("acme", WEEK).status == "pending"


def test_a_report_that_is_ready_does_not_fail(reports: DynamoReports) -> None:
    reports.request(asked := ask())
    reports.ready(asked, generated_at=NOW, changes=1, calls=1)
    assert not reports.fail(asked, "too late")
    assert reports.get("acme", WEEK).status == "ready"


def test_a_failed_report_may_be_ready_after_all(reports: DynamoReports) -> None:
    reports.request(asked := ask())
    reports.fail(asked, "no luck")
    assert reports.ready(asked, generated_at=NOW, changes=1, calls=1)
    report = reports.get("acme", WEEK)
    assert (report.status, report.reason) == ("ready", None)


def test_the_schedule_asks_once_for_a_week_that_is_over(reports: DynamoReports) -> None:
    first = ask()
    assert reports.request_once(first)
    assert reports.request_once(first)
    assert not reports.request_once(ask())
    reports.ready(first, generated_at=NOW, changes=1, calls=1)
    assert not reports.request_once(ask())


def test_a_report_from_within_the_week_is_not_the_weeks(reports: DynamoReports) -> None:
    # Given one that somebody asked for on Thursday
    reports.request(early := ask(now=datetime(2026, 11, 19, tzinfo=UTC)))
    reports.ready(early, generated_at=NOW, changes=1, calls=1)

    # When / Then
    assert reports.request_once(whole := ask())
    assert reports.get("acme", WEEK).request == whole


def test_a_week_that_has_not_begun_is_refused() -> None:
    with pytest.raises(WeekRefused, match="not begun"):
        ask(WEEK.after.after)
    assert ask(WEEK.after).week == WEEK.after


def test_reports_are_their_tenants(reports: DynamoReports) -> None:
    reports.request(ask())
    with pytest.raises(ReportNotFound):
        reports.get("globex", WEEK)
    assert reports.page("globex", limit=10).reports == []


def test_a_list_begins_with_the_newest_week_and_goes_on(reports: DynamoReports) -> None:
    # Given seven weeks over a year's end
    week, weeks = Week.parse("2026-W49"), []
    for _ in range(7):
        weeks.append(week)
        reports.request(ask(week, now=datetime(2027, 2, 1, tzinfo=UTC)))
        week = week.after

    # When
    found, before, sizes = [], None, []
    while True:
        page = reports.page("acme", limit=3, before=before)
        found += [report.request.week for report in page.reports]
        sizes.append(len(page.reports))
        before = page.next_before
        if before is None:
            break

    # Then
    assert found == weeks[::-1]
    assert sizes == [3, 3, 1]


def test_a_row_ends_after_its_files_would_not_be_missed(reports: DynamoReports) -> None:
    reports.request(ask())
    (row,) = aws_client("dynamodb").scan(TableName=REPORTS)["Items"]
    assert int(row["expires_at"]["N"]) == int((NOW + timedelta(days=395)).timestamp())


class Failing:
    """A client whose every call fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> None:
            raise self.error

        return call


@pytest.mark.parametrize(
    "call",
    [
        lambda reports: reports.request(ask()),
        lambda reports: reports.get("acme", WEEK),
        lambda reports: reports.page("acme", limit=1),
        lambda reports: reports.fail(ask(), "no luck"),
    ],
)
def test_a_table_that_does_not_answer_is_unavailable(call: Any) -> None:
    silent = Failing(ReadTimeoutError(endpoint_url="http://dynamodb"))
    with pytest.raises(DependencyUnavailable, match="DynamoDB"):
        call(DynamoReports(silent, DynamoReportsSettings(REPORTS)))


@pytest.mark.parametrize(
    "call", [lambda reports: reports.request(ask()), lambda reports: reports.fail(ask(), "no luck")]
)
def test_a_denied_call_stays_visible(call: Any) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "PutItem")
    with pytest.raises(ClientError, match="AccessDenied"):
        call(DynamoReports(Failing(denied), DynamoReportsSettings(REPORTS)))
