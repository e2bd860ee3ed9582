"""Bronze, silver and the API's reads on DynamoDB as moto plays it."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.calls import CallNotFound
from itemstream.calls import dynamodb as calls_dynamodb
from itemstream.calls.bronze_dynamodb import BronzeSettings, DynamoBronze, is_raw_call, raw_call
from itemstream.calls.cleaning import clean
from itemstream.calls.dynamodb import DynamoCalls, DynamoCallsSettings
from itemstream.calls.ingestion import Progress
from itemstream.calls.model import Call, RawCall, SetAside
from itemstream.calls.repository import CallFilter
from itemstream.calls.silver_dynamodb import (
    DynamoSetAsides,
    DynamoSilver,
    SetAsidesSettings,
    SilverSettings,
)
from itemstream.calls.transformation import Known
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item
from itemstream.items.model import timestamp
from tests.fakes.calls import call_file, said
from tests.fakes.tables import BRONZE_CALL, REJECTED_CALL, SILVER_CALL, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
FILE = call_file()
NINETY_DAYS_LATER = datetime.fromisoformat(FILE.landed_at) + timedelta(days=90)


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        client = aws_client("dynamodb")
        create_tables(client)
        yield client


@pytest.fixture
def bronze(client: Any) -> DynamoBronze:
    return DynamoBronze(client, BronzeSettings(BRONZE_CALL))


@pytest.fixture
def silver(client: Any) -> DynamoSilver:
    return DynamoSilver(client, SilverSettings(SILVER_CALL), pause=lambda _: None)


@pytest.fixture
def calls(client: Any) -> DynamoCalls:
    return DynamoCalls(client, DynamoCallsSettings(SILVER_CALL))


def rows(client: Any, table: str) -> list[dict[str, Any]]:
    return [from_item(row) for row in client.scan(TableName=table)["Items"]]


def made(line: int = 1, *, tenant: str = "acme", **changes: Any) -> Call:
    text = json.dumps(said(**{"call_id": f"c-{line}", **changes}))
    return clean(RawCall(tenant, FILE.id, line, text, timestamp(NOW + timedelta(days=100))))


def test_bronze_rows_are_spread_by_line_and_are_the_same_again(
    client: Any, bronze: DynamoBronze
) -> None:
    # Given
    records = [RawCall("acme", FILE.id, n, f'"{n}"', FILE.landed_at) for n in range(1, 60)]
    records.append(RawCall("acme", FILE.id, 60, "", FILE.landed_at, "is not UTF-8 text"))

    # When
    assert bronze.put(FILE, records) == 3
    first = sorted(rows(client, BRONZE_CALL), key=lambda row: row["sk"])
    bronze.put(FILE, reversed(records))

    # Then
    assert sorted(rows(client, BRONZE_CALL), key=lambda row: row["sk"]) == first
    assert [raw_call(row) for row in first] == records
    assert first[16]["pk"] == f"acme#{FILE.id}#1"
    assert first[16]["sk"] == "0000000017"
    assert first[16]["object"] == {
        "id": FILE.id,
        "bucket": "landing",
        "key": "calls/acme/a.jsonl",
        "version": "1",
    }
    assert len({row["pk"] for row in first}) == 16
    assert {row["expires_at"] for row in first} == {int(NINETY_DAYS_LATER.timestamp())}


def test_bronze_remembers_how_far_a_file_came(client: Any, bronze: DynamoBronze) -> None:
    assert bronze.progress(FILE) == Progress()
    bronze.advance(FILE, Progress(1000))
    assert bronze.progress(FILE) == Progress(1000)
    bronze.advance(FILE, Progress(1200, complete=True))
    assert bronze.progress(FILE) == Progress(1200, complete=True)
    assert bronze.progress(call_file(version="2")) == Progress()
    (row,) = rows(client, BRONZE_CALL)
    assert not is_raw_call(row)
    assert row["expires_at"] == int(NINETY_DAYS_LATER.timestamp())


def test_silver_stores_what_is_new_and_tells_what_it_knows(
    client: Any, silver: DynamoSilver
) -> None:
    # Given
    silver.add([made(1), made(2)])

    # When two are new, one comes again, and one comes from elsewhere
    elsewhere = made(9, call_id="c-2", status_code=500)
    known = silver.add([made(1), made(3), elsewhere, made(4)])

    # Then
    assert known == {elsewhere.origin: Known(made(2).origin, made(2).content_hash)}
    stored = {row["pk"]: row for row in rows(client, SILVER_CALL)}
    assert sorted(stored) == ["acme#c-1", "acme#c-2", "acme#c-3", "acme#c-4"]
    row = stored["acme#c-2"]
    assert row["status_code"] == 200
    assert row["day_key"] == "acme#2026-11-21"
    assert row["client_key"] == "acme#client-7"
    assert row["occurred_key"] == "2026-11-21T05:59:59.123Z#c-2"
    assert row["origin"] == f"{FILE.id}#0000000002"


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(error, "TransactWriteItems")  # type: ignore[arg-type]


def test_a_transaction_in_conflict_is_tried_again(
    client: Any, silver: DynamoSilver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a table that others write to
    errors = [cancelled("TransactionConflict", "None"), cancelled("None", "ThrottlingError")]
    write = client.transact_write_items

    def busy(**arguments: Any) -> Any:
        if errors:
            raise errors.pop()
        return write(**arguments)

    monkeypatch.setattr(client, "transact_write_items", busy)

    # When / Then
    assert silver.add([made(1), made(2)]) == {}
    assert len(rows(client, SILVER_CALL)) == 2


def test_a_transaction_that_never_gets_through_says_so(
    client: Any, silver: DynamoSilver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: Any) -> Any:
        raise cancelled("TransactionConflict")

    monkeypatch.setattr(client, "transact_write_items", busy)
    with pytest.raises(DependencyUnavailable):
        silver.add([made(1)])


def test_a_transaction_refused_for_another_reason_is_a_fault_of_ours(
    client: Any, silver: DynamoSilver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> Any:
        raise cancelled("ValidationError")

    monkeypatch.setattr(client, "transact_write_items", refused)
    with pytest.raises(ClientError):
        silver.add([made(1)])


def test_what_was_set_aside_stands_under_its_origin(client: Any) -> None:
    # Given
    aside = DynamoSetAsides(client, SetAsidesSettings(REJECTED_CALL))
    reject = RawCall("acme", FILE.id, 3, "x" * 5000, FILE.landed_at)
    repeat = RawCall("acme", FILE.id, 4, "{}", FILE.landed_at)

    # When it is written twice
    for _ in range(2):
        aside.put([SetAside(reject, "is not JSON"), SetAside(repeat, "repeats", "f#0000000001")])

    # Then
    first, second = sorted(rows(client, REJECTED_CALL), key=lambda row: row["sk"])
    assert first["expires_at"] == second["expires_at"] == int(NINETY_DAYS_LATER.timestamp())
    assert (first["pk"], first["sk"], first["kind"]) == (
        f"acme#{FILE.id}",
        "0000000003",
        "rejected",
    )
    assert (first["reason"], len(first["excerpt"])) == ("is not JSON", 1024)
    assert "repeat_of" not in first
    assert (second["kind"], second["repeat_of"]) == ("repeat", "f#0000000001")


def test_a_call_is_read_by_its_tenant_and_id(silver: DynamoSilver, calls: DynamoCalls) -> None:
    silver.add([made(1)])
    assert calls.get("acme", "c-1") == made(1).document
    for tenant, call_id in (("acme", "c-2"), ("other", "c-1"), ("acme", "")):
        with pytest.raises(CallNotFound):
            calls.get(tenant, call_id)


DAYS = [0, 0, 0, 1, 1, 3, 5, 5, 6, 6]


@pytest.fixture
def listed(silver: DynamoSilver) -> list[dict[str, Any]]:
    """Store calls of several days and clients, some of one moment; return them newest first."""
    some = []
    for n, days in enumerate(DAYS):
        moment = NOW - timedelta(days=days, hours=7, milliseconds=n // 2)
        some.append(
            made(
                n,
                occurred_at=timestamp(moment),
                client_id=f"client-{n % 3}",
                status_code=[200, 404, 500, 301][n % 4],
            )
        )
    silver.add(some)
    silver.add([made(99, tenant="other")])
    documents = [call.document for call in some]
    return sorted(documents, key=lambda d: (d["occurred_at"], d["call_id"]), reverse=True)


def paged(
    calls: DynamoCalls, wanted: CallFilter, limit: int, tenant: str = "acme"
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = None
    for _ in range(200):
        page = calls.page(tenant, wanted, limit=limit, before=before)
        assert len(page.calls) <= limit
        found += page.calls
        if page.next_before is None:
            return found
        assert before is None or page.next_before < before
        before = page.next_before
    raise AssertionError("the list has no end")


WINDOWS = [(7, 0), (5, 1), (1, -1), (0.1, 0)]


@pytest.mark.parametrize("client_id", [None, "client-0"])
@pytest.mark.parametrize("statuses", [None, (404, 404), (200, 399)])
def test_pages_show_what_is_asked_for_newest_first_and_each_once(
    calls: DynamoCalls,
    listed: list[dict[str, Any]],
    client_id: str | None,
    statuses: tuple[int, int] | None,
) -> None:
    for (first, last), limit in itertools.product(WINDOWS, (2, 100)):
        start, end = NOW - timedelta(days=first), NOW - timedelta(days=last)
        expected = [
            call
            for call in listed
            if timestamp(start) <= call["occurred_at"] < timestamp(end)
            and client_id in (None, call["client_id"])
            and (statuses is None or statuses[0] <= call["status_code"] <= statuses[1])
        ]
        assert paged(calls, CallFilter(start, end, client_id, statuses), limit) == expected


def test_a_list_of_nothing_has_an_end(calls: DynamoCalls, listed: list[dict[str, Any]]) -> None:
    everything = CallFilter(NOW - timedelta(days=40), NOW)
    assert paged(calls, everything, 25, tenant="nobody") == []
    assert paged(calls, CallFilter(NOW - timedelta(days=9), NOW, "client-9"), 25) == []


@pytest.mark.parametrize(("reads", "queries"), [(1, 32), (8, 1), (8, 3), (2, 2)])
def test_a_page_is_returned_short_when_it_has_cost_enough(
    calls: DynamoCalls,
    listed: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    reads: int,
    queries: int,
) -> None:
    # Given
    monkeypatch.setattr(calls_dynamodb, "PAGE_READS", reads)
    monkeypatch.setattr(calls_dynamodb, "PAGE_QUERIES", queries)
    monkeypatch.setattr(calls_dynamodb, "BATCH_KEYS", 2)
    wanted = CallFilter(NOW - timedelta(days=7), NOW, None, (404, 599))

    # When / Then it still shows all, with more pages
    for limit in (1, 50):
        expected = [call for call in listed if call["status_code"] >= 404]
        assert paged(calls, wanted, limit) == expected
