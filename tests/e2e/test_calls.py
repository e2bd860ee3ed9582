"""Call records from a file in the landing bucket to the HTTP API."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from tests.local_stack import LocalStack, assert_problem
from tests.waiting import eventually
from tools.calls.generator import Mix, records, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = dt.datetime.now(dt.UTC)


@dataclass
class Client:
    """Who calls the HTTP API for a tenant, and lands files for it."""

    stack: LocalStack
    tenant: str
    http: httpx.Client = field(repr=False)

    def land(self, content: bytes, name: str = "a.jsonl") -> None:
        self.stack.client("s3").put_object(
            Bucket=self.stack.status["buckets"]["landing"],
            Key=f"calls/{self.tenant}/{name}",
            Body=content,
        )

    def page(self, **query: Any) -> dict[str, Any]:
        answer = self.http.get("calls", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def listed(self, **query: Any) -> list[dict[str, Any]]:
        found = []
        while True:
            page = self.page(**query)
            found += page["calls"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    def has(self, count: int) -> list[dict[str, Any]]:
        """Wait until the API shows so many calls."""
        return eventually(
            lambda: calls if len(calls := self.listed(limit=100)) >= count else [],
            within=60,
            what=f"{count} calls of {self.tenant}",
        )


@pytest.fixture
def make_client(stack: LocalStack, sign: Callable[..., str]) -> Iterator[Callable[..., Client]]:
    clients: list[httpx.Client] = []

    def make(tenant: str | None = None, scope: str = "calls:read") -> Client:
        tenant = tenant or f"t-{uuid4().hex[:12]}"
        token = sign(tenant=tenant, scope=scope)
        http = httpx.Client(
            base_url=f"{stack.status['http_api_url'].rstrip('/')}/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        clients.append(http)
        return Client(stack, tenant, http)

    yield make
    for http in clients:
        http.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()


def record(number: int = 0, **changes: Any) -> dict[str, Any]:
    moment = NOW - dt.timedelta(seconds=number)
    return {
        "call_id": f"c-{number}",
        "client_id": f"client-{number % 2}",
        "occurred_at": moment.isoformat(),
        "method": "get",
        "path": f"/orders/{number}?token=secret",
        "status_code": [200, 404, 503][number % 3],
        "duration_ms": 12.4,
        "ip": "203.0.113.9",
        "user_agent": "curl/8.15.0",
        **changes,
    }


def lines(*some: Any) -> bytes:
    return "\n".join(r if isinstance(r, str) else json.dumps(r) for r in some).encode()


def rows(client: Client, table: str) -> list[dict[str, Any]]:
    """Return a table's rows of a tenant, but for how far files came."""
    pages = client.stack.client("dynamodb").get_paginator("scan")
    found = pages.paginate(
        TableName=client.stack.table(table),
        FilterExpression="tenant = :tenant AND attribute_not_exists(progress)",
        ExpressionAttributeValues={":tenant": {"S": client.tenant}},
    )
    return [row for page in found for row in page["Items"]]


def test_a_file_comes_out_as_calls(client: Client) -> None:
    # Given
    client.land(lines(record(0), "not json", record(1), record(1)))

    # When
    first, second = client.has(2)

    # Then the calls are clean
    assert first == {
        "call_id": "c-0",
        "client_id": "client-0",
        "occurred_at": NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "method": "GET",
        "path": "/orders/0",
        "path_template": "/orders/{id}",
        "status_code": 200,
        "outcome": "success",
        "duration_ms": 12,
        "latency_class": "instant",
        "bytes_in": None,
        "bytes_out": None,
        "ip_network": "203.0.113.0/24",
        "user_agent": "curl/8.15.0",
        "agent_family": "curl",
        "day": NOW.date().isoformat(),
        "hour": NOW.strftime("%Y-%m-%dT%H"),
        "ingested_at": first["ingested_at"],
    }
    answer = client.http.get(f"calls/{second['call_id']}")
    assert answer.status_code == 200
    assert answer.json() == second
    assert answer.headers["content-type"] == "application/json"

    # And what is none is kept with its reason, what contradicts a call as well
    client.land(lines(record(1, status_code=500)), "b.jsonl")
    aside = eventually(
        lambda: found if len(found := rows(client, "rejected_call")) == 3 else [], within=60
    )
    assert sorted((row["kind"]["S"], row["reason"]["S"]) for row in aside) == [
        ("rejected", "call_id belongs to another call that is known"),
        ("rejected", "is not JSON"),
        ("repeat", "repeats a call that is known"),
    ]


@pytest.mark.parametrize("form", ["jsonl", "list", "json", "gzip"])
def test_every_format_is_read(client: Client, form: str) -> None:
    # Given
    count = 1 if form == "json" else 60
    made = list(records(count, Mix(whole=True), seed=form, until=NOW))
    content = "".join(written(made, "jsonl" if form == "gzip" else form)).encode()

    # When
    client.land(gzip.compress(content) if form == "gzip" else content, "no-suffix")

    # Then
    found = client.has(count)
    assert len(found) == count
    times = [call["occurred_at"] for call in found]
    assert times == sorted(times, reverse=True)


def test_an_odd_name_is_a_name(client: Client) -> None:
    client.land(lines(record()), "2026-11-21 größe/100%+../🪑.jsonl")
    assert len(client.has(1)) == 1


@pytest.fixture
def filled(client: Client) -> Client:
    client.land(lines(*(record(n) for n in range(9))))
    client.has(9)
    return client


def test_a_list_is_filtered_and_paged(filled: Client) -> None:
    def found(**query: Any) -> str:
        return " ".join(call["call_id"][2:] for call in filled.listed(**query))

    assert found() == "0 1 2 3 4 5 6 7 8"
    assert found(limit=2) == "0 1 2 3 4 5 6 7 8"
    assert found(client_id="client-1", limit=1) == "1 3 5 7"
    assert found(status=404) == "1 4 7"
    assert found(status="5xx", client_id="client-0") == "2 8"
    bounds = {"from": NOW - dt.timedelta(seconds=5), "to": NOW - dt.timedelta(seconds=2)}
    window = {name: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for name, moment in bounds.items()}
    assert found(**window) == "3 4 5"
    assert found(to="2026-01-01") == ""


def test_tenants_see_only_their_own_calls(
    filled: Client, make_client: Callable[..., Client]
) -> None:
    stranger = make_client()
    assert stranger.listed() == []
    assert_problem(stranger.http.get("calls/c-0"), 404)
    assert filled.http.get("calls/c-0").status_code == 200
    assert_problem(filled.http.get("calls/c-99"), 404)
    cursor = filled.page(limit=1)["next_cursor"]
    assert_problem(stranger.http.get("calls", params={"cursor": cursor}), 400, "cursor")


def test_a_cursor_that_is_not_ours_is_refused(filled: Client) -> None:
    cursor = filled.page(limit=1)["next_cursor"]
    for query in (
        {"cursor": "x"},
        {"cursor": f"{cursor}x"},
        {"cursor": cursor, "status": "404"},
        {"cursor": cursor, "from": "2026-11-01"},
    ):
        assert_problem(filled.http.get("calls", params=query), 400, "cursor")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"status": "teapot"},
        {"from": "yesterday"},
        {"from": "2020-01-01"},
        {"client_id": ""},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_query_that_makes_no_sense_is_refused(client: Client, query: dict[str, str]) -> None:
    assert_problem(client.http.get("calls", params=query), 400, *query)


def test_who_may_not_is_told_so(stack: LocalStack, make_client: Callable[..., Client]) -> None:
    # Given a token without the scope, a bad one, and none
    nobody = make_client(scope="items:read")
    address = f"{stack.status['http_api_url'].rstrip('/')}/calls"

    # When / Then: the gateway itself answers for whom it does not let in
    for path in ("calls", "calls/c-0"):
        assert_problem(nobody.http.get(path), 403)
        assert nobody.http.get(path, headers={"Authorization": "Bearer x"}).status_code == 403
    refused = httpx.get(address)
    assert (refused.status_code, refused.json()) == (401, {"message": "Unauthorized"})


def test_a_file_that_cannot_be_read_becomes_a_dead_letter(client: Client) -> None:
    # Given
    sqs = client.stack.client("sqs")
    queue = client.stack.status["dead_letters"]["call_ingestor"]["url"]
    client.land(b"\x89PNG\r\n\x1a\n\x00\x00", "picture.jsonl")

    # When / Then
    def letter() -> Any:
        answer = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=1,
        )
        return next((m for m in answer.get("Messages", []) if client.tenant in m["Body"]), None)

    found = eventually(letter, within=60, what="the dead letter")
    reason = found["MessageAttributes"]["Reason"]["StringValue"]
    assert reason == "no record can be read: it is neither JSON in UTF-8 nor gzip of it"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=found["ReceiptHandle"])
    assert rows(client, "bronze_call") == []
