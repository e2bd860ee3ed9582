"""Reports, from what clients do to the page that its owner opens."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from itemstream.reports.weeks import Week
from tests.e2e.test_report_projection import call, land
from tests.local_stack import EVERY_SCOPE, assert_problem
from tests.report_tables import ReportTables
from tests.sockets import connected
from tests.subscribers import subscribed
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller, LocalStack

SCOPES = f"{EVERY_SCOPE} reports:read reports:write realtime:connect"


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid4().hex[:12]}"


@pytest.fixture
def owner(make_caller: Callable[..., Caller], tenant: str) -> Caller:
    return make_caller(tenant, SCOPES)


def asked(owner: Caller, week: Week) -> httpx.Response:
    answer = owner.http.post("reports", json={"week": str(week)})
    assert answer.status_code == 202, answer.text
    return answer


def settled(owner: Caller, week: Week) -> dict[str, Any]:
    def report() -> dict[str, Any] | None:
        answer = owner.http.get(f"reports/{week}")
        assert answer.status_code == 200, answer.text
        found = dict(answer.json())
        return found if found["status"] != "pending" else None

    found = eventually(report, within=60, what="the report's outcome")
    assert found is not None
    return found


def fetched(url: str) -> httpx.Response:
    answer = httpx.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def happened(stack: LocalStack, owner: Caller) -> None:
    """Create, change and delete items, and land calls; wait until the tables have all of it."""
    price = {"amount": 1250, "currency": "EUR"}
    kept = owner.created(category="=SUM(A1)", status="active", price=price, quantity=4)
    gone = owner.created(category="<b>toys</b>")
    content = {"name": "B", "category": "=SUM(A1)", "status": "active", "price": price}
    assert owner.put(kept["id"], {**content, "quantity": 3}, '"1"').status_code == 200
    assert owner.delete(gone["id"], '"1"').status_code == 204
    # All in one hour of this week, whenever the test runs.
    land(stack, owner.tenant, [call(number, datetime.now(UTC)) for number in range(8)])
    tables = ReportTables(stack, owner.tenant)
    eventually(lambda: len(tables.changes()) == 4, within=60, what="four changes")
    eventually(lambda: tables.calls() == 8, within=60, what="eight calls")


def test_a_report_tells_what_happened_and_its_owner_hears_of_it(
    stack: LocalStack, owner: Caller, sign: Callable[..., str], make_caller: Callable[..., Caller]
) -> None:
    # Given
    week = Week.of(datetime.now(UTC))
    happened(stack, owner)
    with (
        subscribed(stack, tenant=[owner.tenant], type=["report.ready"]) as subscriber,
        connected(stack, sign(tenant=owner.tenant, scope=SCOPES)) as socket,
    ):
        socket.subscribe("reports")

        # When
        answer = asked(owner, week)

        # Then
        assert answer.headers["location"] == f"reports/{week}"
        report = settled(owner, week)
        assert (report["status"], report["changes"], report["calls"]) == ("ready", 4, 8)

        # Then over the socket
        data = socket.event("reports", "report.ready", str(week), within=60)["data"]
        assert (data["week"], data["changes"], data["calls"]) == (str(week), 4, 8)

        # Then by notification, with a link that works
        (message,) = eventually(subscriber.take, within=60, what="a notification")
        (link,) = re.findall(r"https?://\S+", json.loads(message["Message"])["text"])
        page = fetched(link)
        assert page.headers["content-type"] == "text/html; charset=utf-8"

    # Then in the files
    files = report["files"]
    assert fetched(files["html"]).text == page.text
    assert "&lt;b&gt;toys&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    document = fetched(files["json"]).json()
    assert document["tenant"] == owner.tenant
    assert document["complete"] is False
    kinds = {kind: value["now"] for kind, value in document["changes_by_kind"].items() if value}
    assert (kinds["item.created"], kinds["item.updated"], kinds["item.deleted"]) == (2, 1, 1)
    (stock,) = document["stock"]
    assert (stock["currency"], stock["items"]["now"], stock["value"]["now"]) == ("EUR", 1, 3750)
    ended = {one["outcome"]: one["calls"]["now"] for one in document["calls"]}
    assert ended == {"all": 8, "success": 4, "server_error": 4}
    lines = list(csv.DictReader(io.StringIO(fetched(files["csv"]).text, newline="")))
    assert sorted(line["kind"] for line in lines) == [
        *("item.created", "item.created", "item.deleted", "item.updated"),
    ]
    assert {line["category"] for line in lines} == {"'=SUM(A1)", "<b>toys</b>", ""}

    # Then nobody else has it, and the list has
    stranger = make_caller(scope=SCOPES)
    assert_problem(stranger.http.get(f"reports/{week}"), 404)
    listed = owner.http.get("reports").json()
    assert [(one["id"], one["status"]) for one in listed["reports"]] == [(str(week), "ready")]
    assert stranger.http.get("reports").json()["reports"] == []


def test_a_week_of_nothing_has_a_report_and_is_made_anew_on_request(owner: Caller) -> None:
    # Given
    week = Week.parse("2026-W02")
    asked(owner, week)
    first = settled(owner, week)
    assert (first["status"], first["changes"]) == ("ready", 0)

    # When
    asked(owner, week)
    second = settled(owner, week)

    # Then it says the same in files of its own
    assert second["requested_at"] > first["requested_at"]
    for form in ("html", "csv", "json"):
        assert fetched(first["files"][form]).content == fetched(second["files"][form]).content
        assert first["files"][form].partition("?")[0] != second["files"][form].partition("?")[0]


def test_what_cannot_be_is_refused(owner: Caller, make_caller: Callable[..., Caller]) -> None:
    assert_problem(owner.http.post("reports", json={"week": "2999-W01"}), 422, "week")
    assert_problem(owner.http.post("reports", json={"week": "2026-W60"}), 422, "week")
    assert_problem(owner.http.post("reports", json={"weeks": "2026-W01"}), 400)
    assert_problem(owner.http.get("reports/2026"), 400, "id")
    reader = make_caller(owner.tenant, f"{EVERY_SCOPE} reports:read")
    assert_problem(reader.http.post("reports", json={}), 403)


def test_the_schedule_asks_once_for_a_tenants_week(stack: LocalStack, owner: Caller) -> None:
    # Given a tenant that is known, and a week that nobody else asks for
    owner.created()
    tables = ReportTables(stack, owner.tenant)
    eventually(tables.changes, within=60, what="a change")
    week = Week.parse("2025-W20")
    event = {
        "schedule": "weekly_reports",
        "scheduled_time": f"{week.after.first_day}T06:00:00Z",
        "input": {"tenants": [owner.tenant, "nobody-knows-them"]},
    }

    # When it is called twice, as the clock may
    said = []
    for _ in range(2):
        answer = stack.client("lambda").invoke(
            FunctionName=stack.function("weekly_reports"), Payload=json.dumps(event)
        )
        said.append(json.loads(answer["Payload"].read()))

    # Then
    assert said == [{"tenants": 1, "asked": 1}, {"tenants": 1, "asked": 0}]
    report = settled(owner, week)
    assert (report["status"], report["requested_by"], report["changes"]) == ("ready", None, 0)
