"""The functions of reports, from event to answer and to what they leave in AWS."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item
from itemstream.items.model import timestamp
from itemstream.reports.weeks import Week
from tests.fakes.event_sources import stream_record
from tests.fakes.gateway import LambdaContext, assert_problem, event
from tests.fakes.reports import nothing
from tests.fakes.tables import REPORTS
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FUNCTIONS = yaml.safe_load((ROOT / "functions.yaml").read_text())["functions"]
BUCKET = "itemstream-test-reports"
DEAD_LETTERS = "itemstream-test-dead-letters"
SCOPES = "reports:read reports:write"
DATABASE = {"HOST": "127.0.0.1", "PORT": "1", "NAME": "itemstream", "USER": "itemstream"}


class Weeks:
    """A tenant in whose weeks nothing happened, or whose weeks cannot be read."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.check: Callable[[], None] = lambda: None
        self.known = ["acme", "globex"]

    def tenants(self) -> Iterator[str]:
        if self.error is not None:
            raise self.error
        yield from self.known

    @contextmanager
    def reading(self, tenant: str, *, check: Callable[[], None]) -> Iterator[Weeks]:
        if self.error is not None:
            raise self.error
        self.check = check
        yield self

    def figures(self, week: Week) -> Any:
        self.check()
        return nothing()

    def categories(self, week: Week, *, most: int) -> list[Any]:
        return []

    def changes(self, week: Week) -> Iterator[Any]:
        return iter(())


class Reports:
    """The functions behind one another."""

    def __init__(self, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in DATABASE.items():
            monkeypatch.setenv(f"DATABASE_{name}", value)
        for name, value in {
            "REPORTS_TABLE": REPORTS,
            "REPORTS_BUCKET": BUCKET,
            "DEAD_LETTERS_QUEUE": DEAD_LETTERS,
            "RATE_LIMIT_NAME": "reports",
            "RATE_LIMIT_REQUESTS": "1000",
            "RATE_LIMIT_SECONDS": "60",
        }.items():
            monkeypatch.setenv(name, value)
        self._load = load
        self._modules: dict[str, Any] = {}
        self.weeks = Weeks()
        self.s3, self.sqs = aws_client("s3"), aws_client("sqs")
        self.s3.create_bucket(Bucket=BUCKET)
        self.letters_url = self.sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]

    def module(self, name: str) -> Any:
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def call(self, function: str, route: str, **request: Any) -> dict[str, Any]:
        handler = self.module(f"functions.crud.{function}").handler
        given = {"scopes": SCOPES, **request}
        answer: dict[str, Any] = handler(event(route, **given), LambdaContext())
        return answer

    def ask(self, body: Any = None, **request: Any) -> dict[str, Any]:
        body = {} if body is None else body
        return self.call("create_report", "POST /reports", body=body, **request)

    def get(self, week: str, **request: Any) -> dict[str, Any]:
        return self.call("get_report", "GET /reports/{id}", path={"id": week}, **request)

    def list(self, query: str = "", **request: Any) -> dict[str, Any]:
        return self.call("list_reports", "GET /reports", query=query, **request)

    def rows(self) -> list[dict[str, Any]]:
        found = aws_client("dynamodb").scan(TableName=REPORTS)["Items"]
        return [from_item(row) for row in found]

    def generate(self, row: dict[str, Any] | None = None, *, seconds: int = 900) -> dict[str, Any]:
        module = self.module("scheduled.report_generator")
        object.__setattr__(module.generation, "weeks", self.weeks)
        record = stream_record(REPORTS, row or self.rows()[0])
        context = LambdaContext(remaining_milliseconds=1000 * seconds)
        answer: dict[str, Any] = module.handler({"Records": [record]}, context)
        return answer

    def run_weekly(self, hour: int = 6, **given: Any) -> Any:
        module = self.module("scheduled.weekly_reports")
        module.weeks = self.weeks
        return module.handler(
            {
                "schedule": "weekly_reports",
                "scheduled_time": f"2026-11-23T{hour:02}:00:00Z",
                "input": given,
            },
            LambdaContext(),
        )

    def letters(self) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(
            QueueUrl=self.letters_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(found.get("Messages", []))


@pytest.fixture
def reports(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Reports:
    return Reports(load, monkeypatch)


def document(answer: dict[str, Any], status: int = 200) -> dict[str, Any]:
    assert answer["statusCode"] == status, answer
    return dict(json.loads(answer["body"]))


def test_a_report_is_asked_for(reports: Reports) -> None:
    # When
    answer = reports.ask({"week": "2026-W10"})

    # Then
    said = document(answer, 202)
    assert answer["headers"]["Location"] == "reports/2026-W10"
    assert (said["id"], said["status"], said["requested_by"]) == ("2026-W10", "pending", "alice")
    assert said["starts_at"] == "2026-03-02T00:00:00.000Z"
    (row,) = reports.rows()
    assert (row["pk"], row["sk"], row["status"]) == ("acme", "2026-W10", "pending")


def test_without_a_week_it_is_the_last_that_is_over(reports: Reports) -> None:
    said = document(reports.ask({}), 202)
    assert said["ends_at"] <= timestamp_now() < timestamp(Week.parse(said["id"]).after.ends_at)


def timestamp_now() -> str:
    from datetime import UTC, datetime

    return timestamp(datetime.now(UTC))


def test_the_week_that_has_begun_may_be_asked_for(reports: Reports) -> None:
    current = Week.parse(document(reports.ask({}), 202)["id"]).after
    assert document(reports.ask({"week": str(current)}), 202)["id"] == str(current)


def test_a_second_request_for_a_pending_report_is_the_first(reports: Reports) -> None:
    first = document(reports.ask({"week": "2026-W10"}), 202)
    second = reports.ask({"week": "2026-W10"})
    assert document(second, 202) == first
    assert second["headers"]["Location"] == "reports/2026-W10"


@pytest.mark.parametrize("week", ["2999-W10", "2026-W60", "2026-10", "", "last", "0000-W00"])
def test_a_week_of_which_there_can_be_no_report_is_refused(reports: Reports, week: str) -> None:
    problem = assert_problem(reports.ask({"week": week}), 422, "week")
    assert problem["type"] == "urn:itemstream:problem:week-refused"
    assert reports.rows() == []


@pytest.mark.parametrize("body", [{"week": 47}, {"weeks": "2026-W47"}, [], "no JSON"])
def test_a_body_that_is_no_request_is_refused(reports: Reports, body: Any) -> None:
    answer = reports.ask(body, headers={"Content-Type": "application/json"})
    assert answer["statusCode"] == 400


@pytest.mark.parametrize(
    ("call", "scopes"),
    [
        (lambda reports, scopes: reports.ask(scopes=scopes), "reports:read items:write"),
        (lambda reports, scopes: reports.get("2026-W47", scopes=scopes), "reports:write"),
        (lambda reports, scopes: reports.list(scopes=scopes), "reports:write"),
    ],
)
def test_a_token_without_the_scope_is_refused(reports: Reports, call: Any, scopes: str) -> None:
    assert_problem(call(reports, scopes), 403)


def test_a_report_is_pending_then_ready_with_its_files(reports: Reports) -> None:
    # Given
    reports.ask({"week": "2026-W10"})
    assert document(reports.get("2026-W10"))["files"] is None

    # When
    assert reports.generate() == {"batchItemFailures": []}

    # Then
    said = document(reports.get("2026-W10"))
    assert (said["status"], said["changes"], said["calls"]) == ("ready", 0, 0)
    assert said["files"].keys() == {"html", "csv", "json", "expires_at"}
    stored = [found["Key"] for found in reports.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert all(key.startswith("acme/2026-W10/") for key in stored)
    assert {key.rpartition("/")[2] for key in stored} == {
        "changes.csv",
        "report.html",
        "report.json",
    }
    for form in ("html", "csv", "json"):
        assert any(key in said["files"][form] for key in stored)
        assert "X-Amz-Expires=3600" in said["files"][form]


def test_another_tenant_has_none_of_it(reports: Reports) -> None:
    reports.ask({"week": "2026-W10"})
    problem = assert_problem(reports.get("2026-W10", tenant="globex"), 404)
    assert problem["type"] == "urn:itemstream:problem:report-not-found"
    assert document(reports.list(tenant="globex")) == {"reports": [], "next_cursor": None}


@pytest.mark.parametrize("week", ["2026-W60", "2026", "x", "2026-W47x"])
def test_an_id_that_is_no_week_is_refused(reports: Reports, week: str) -> None:
    assert_problem(reports.get(week), 400, "id")


def test_a_list_goes_on_with_its_cursor(reports: Reports) -> None:
    # Given
    for week in ("2026-W08", "2026-W09", "2026-W10"):
        reports.ask({"week": week})

    # When
    first = document(reports.list("limit=2"))
    second = document(reports.list(f"limit=2&cursor={first['next_cursor']}"))

    # Then
    assert [one["id"] for one in first["reports"]] == ["2026-W10", "2026-W09"]
    assert [one["id"] for one in second["reports"]] == ["2026-W08"]
    assert second["next_cursor"] is None
    assert "files" not in first["reports"][0]
    assert_problem(reports.list(f"cursor={first['next_cursor']}", tenant="globex"), 400, "cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=forged", "week=2026-W10"])
def test_a_malformed_list_is_refused(reports: Reports, query: str) -> None:
    assert_problem(reports.list(query), 400, query.partition("=")[0])


def test_where_mysql_is_away_the_report_stays_pending(reports: Reports) -> None:
    # Given
    reports.ask({"week": "2026-W10"})
    reports.weeks.error = DependencyUnavailable("MySQL")

    # When
    answer = reports.generate()

    # Then
    assert len(answer["batchItemFailures"]) == 1
    assert document(reports.get("2026-W10"))["status"] == "pending"
    assert reports.letters() == []

    # When it is back
    reports.weeks.error = None
    assert reports.generate() == {"batchItemFailures": []}
    assert document(reports.get("2026-W10"))["status"] == "ready"


def test_a_report_that_cannot_be_made_fails_and_can_be_redriven(
    reports: Reports, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    reports.ask({"week": "2026-W10"})
    (row,) = reports.rows()
    reports.weeks.error = ValueError("secret of the tenant")

    # When
    assert reports.generate() == {"batchItemFailures": []}

    # Then
    said = document(reports.get("2026-W10"))
    assert said["status"] == "failed"
    assert "secret" not in said["reason"]
    (letter,) = reports.letters()
    assert "ValueError" in letter["MessageAttributes"]["Reason"]["StringValue"]
    assert not any("secret of the tenant" in json.dumps(line) for line in log())

    # When it is redriven
    reports.weeks.error = None
    reports.generate(row)

    # Then
    assert document(reports.get("2026-W10"))["status"] == "ready"


def test_a_report_that_takes_too_long_fails_and_says_so(reports: Reports) -> None:
    # Given
    reports.ask({"week": "2026-W10"})
    (row,) = reports.rows()

    # When time runs out
    assert reports.generate(seconds=100) == {"batchItemFailures": []}

    # Then it is not tried until somebody wants it
    said = document(reports.get("2026-W10"))
    assert said["status"] == "failed"
    assert "longer than it may" in said["reason"]
    (letter,) = reports.letters()
    assert "OutOfTime" in letter["MessageAttributes"]["Reason"]["StringValue"]

    # When it is redriven, and MySQL is quicker
    reports.generate(row)

    # Then
    assert document(reports.get("2026-W10"))["status"] == "ready"


def test_a_row_that_is_none_of_reports_becomes_a_dead_letter(reports: Reports) -> None:
    assert reports.generate({"pk": "acme", "sk": "no week"}) == {"batchItemFailures": []}
    (letter,) = reports.letters()
    assert "not one of reports" in letter["MessageAttributes"]["Reason"]["StringValue"]


def test_every_tenant_has_its_week_asked_for_once(reports: Reports) -> None:
    # When it runs twice for one Monday
    assert reports.run_weekly() == {"tenants": 2, "asked": 2}
    assert reports.run_weekly() == {"tenants": 2, "asked": 0}

    # Then
    rows = sorted(reports.rows(), key=lambda row: str(row["pk"]))
    assert [(row["pk"], row["sk"], row["requested_by"]) for row in rows] == [
        ("acme", "2026-W47", None),
        ("globex", "2026-W47", None),
    ]


def test_an_attempt_that_is_late_is_for_the_same_week(reports: Reports) -> None:
    # Given a tenant that was missed
    reports.weeks.known = ["acme"]
    reports.run_weekly()
    reports.weeks.known = ["acme", "globex"]

    # When / Then
    assert reports.run_weekly() == {"tenants": 2, "asked": 1}
    assert {row["sk"] for row in reports.rows()} == {"2026-W47"}


def test_what_six_oclock_missed_a_later_hour_asks_for_once(reports: Reports) -> None:
    # Given the hours of the clock
    (schedule,) = FUNCTIONS["weekly_reports"]["consumes"]
    hours = re.fullmatch(r"cron\(0 (\d+)-(\d+) \? \* MON \*\)", schedule["expression"])
    assert hours
    first, last = map(int, hours.groups())
    assert (first, last, schedule.get("time_zone", "UTC")) == (6, 12, "UTC")

    # When MySQL is away at first
    reports.weeks.error = DependencyUnavailable("MySQL")
    with pytest.raises(DependencyUnavailable):
        reports.run_weekly(first)
    reports.weeks.error = None
    asked = [reports.run_weekly(hour)["asked"] for hour in range(first + 1, last + 1)]

    # Then
    assert asked == [2, 0, 0, 0, 0, 0]
    assert {row["sk"] for row in reports.rows()} == {"2026-W47"}


def test_an_operator_may_name_the_tenants(reports: Reports) -> None:
    said = reports.run_weekly(tenants=["globex", "nobody"])
    assert said == {"tenants": 1, "asked": 1}
    assert [row["pk"] for row in reports.rows()] == ["globex"]


def test_an_operator_who_names_them_wrongly_is_refused(reports: Reports) -> None:
    assert reports.run_weekly(tenants="globex") is None
    assert reports.rows() == []
    (letter,) = reports.letters()
    assert "must be a list" in letter["MessageAttributes"]["Reason"]["StringValue"]
