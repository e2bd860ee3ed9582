"""What a client may get wrong: a problem document that names it, and nothing written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_stack import assert_problem

if TYPE_CHECKING:
    from tests.local_stack import Caller

GOOD: dict[str, Any] = {"name": "A thing"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def writes_nothing(caller: Caller) -> Any:
    yield
    assert next(caller.pages()) == []


@pytest.mark.usefixtures("writes_nothing")
@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"name": "bell\x07"}, "name"),
        ({**GOOD, "id": "01900000-0000-7000-8000-000000000000"}, "id"),
        ({**GOOD, "tenant": "other"}, "tenant"),
        ({**GOOD, "version": 7}, "version"),
        ({**GOOD, "created_by": "somebody"}, "created_by"),
        ({**GOOD, "nonsense": 1}, "nonsense"),
        ({**GOOD, "description": "x" * 4001}, "description"),
        ({**GOOD, "description": None}, "description"),
        ({**GOOD, "status": "gone"}, "status"),
        ({**GOOD, "category": ""}, "category"),
        ({**GOOD, "quantity": -1}, "quantity"),
        ({**GOOD, "quantity": 1.5}, "quantity"),
        ({**GOOD, "quantity": "3"}, "quantity"),
        ({**GOOD, "quantity": True}, "quantity"),
        ({**GOOD, "quantity": 10**400}, "quantity"),
        ({**GOOD, "price": 5}, "price"),
        ({**GOOD, "price": {"amount": 5}}, "currency"),
        ({**GOOD, "price": {"amount": 5, "currency": "eur"}}, "price.currency"),
        ({**GOOD, "price": {"amount": 5.5, "currency": "EUR"}}, "price.amount"),
        ({**GOOD, "price": {"amount": 5, "currency": "EUR", "tax": 1}}, "tax"),
        ({**GOOD, "tags": ["x"] * 21}, "tags"),
        ({**GOOD, "tags": "x"}, "tags"),
        ({**GOOD, "tags": ["", "x"]}, "tags.0"),
        ({**GOOD, "attributes": {str(n): "" for n in range(51)}}, "attributes"),
        ({**GOOD, "attributes": {"width": 5}}, "attributes.width"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_field_that_is_wrong_is_named(
    caller: Caller, content: dict[str, Any], field: str
) -> None:
    assert_problem(caller.create(content), 400, field)


@pytest.mark.usefixtures("writes_nothing")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"5",
        b"{'name': 'x'}",
        b'{"name": "x"} trailing',
        b'{"name": "\\ud800"}',
        b'{"name": "x", "quantity": NaN}',
        b'{"name": "x", "quantity": Infinity}',
        b'{"name": "\xff\xfe"}',
        b"\x00",
        b"[" * 100_000,
        json.dumps({"name": "x", "attributes": {"a": {"b": {"c": 1}}}}).encode(),
    ],
    ids=lambda body: str(body[:24]),
)
def test_a_body_that_is_no_item_is_refused(caller: Caller, body: bytes) -> None:
    assert_problem(caller.http.post("items", content=body, headers=JSON), 400)


@pytest.mark.usefixtures("writes_nothing")
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
    ],
)
def test_a_body_of_another_type_is_refused(caller: Caller, content_type: str) -> None:
    answer = caller.http.post(
        "items", content=json.dumps(GOOD), headers={"Content-Type": content_type}
    )
    assert_problem(answer, 415)


@pytest.mark.usefixtures("writes_nothing")
@pytest.mark.parametrize("megabytes", [7, 11])
def test_a_body_that_is_too_large_is_refused(caller: Caller, megabytes: int) -> None:
    body = json.dumps({"name": "x", "description": "x" * megabytes * 2**20})
    assert_problem(caller.http.post("items", content=body, headers=JSON), 413)


@pytest.mark.parametrize(
    "item_id",
    [
        *("x", "0", "1e3", "01900000", "%00", "..%2f..", "🪑", "A" * 2000),
        "01900000-0000-7000-8000-00000000000G",
        "01900000-0000-7000-8000-00000000ABCD",
        "01900000000070008000000000000000",
        "{01900000-0000-7000-8000-000000000000}",
    ],
)
def test_an_id_that_is_none_is_refused(caller: Caller, item_id: str) -> None:
    for answer in (
        caller.get(item_id),
        caller.put(item_id, GOOD, '"1"'),
        caller.delete(item_id, '"1"'),
    ):
        assert answer.status_code in (400, 404), answer.text
        assert_problem(answer, answer.status_code)
        if answer.status_code == 400:
            assert_problem(answer, 400, "id")


@pytest.mark.parametrize(
    "limit", ["0", "-1", "1000000000", "101", "1.5", "x", "", " 5", "1_0", "٣"]
)
def test_a_limit_out_of_bounds_is_refused(caller: Caller, limit: str) -> None:
    assert_problem(caller.http.get("items", params={"limit": limit}), 400, "limit")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ([("limit", "1"), ("limit", "2")], "limit"),
        ([("status", "gone")], "status"),
        ([("category", "")], "category"),
        ([("category", "x" * 101)], "category"),
        ([("nonsense", "1")], "nonsense"),
        ([("cursor", "")], "cursor"),
    ],
    ids=str,
)
def test_a_query_that_is_wrong_is_refused(
    caller: Caller, query: list[tuple[str, str]], field: str
) -> None:
    assert_problem(caller.http.get("items", params=query), 400, field)


@pytest.mark.usefixtures("writes_nothing")
@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "ümlaut".encode()])
def test_an_idempotency_key_that_is_none_is_refused(caller: Caller, key: Any) -> None:
    answer = caller.http.post("items", json=GOOD, headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "Idempotency-Key")
