"""Which bodies are items: each field's limits, and everything that JSON can be instead."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from itemstream.api.problems import Problem
from itemstream.api.requests import Request
from itemstream.api.validation import MAX_ERRORS, validated
from itemstream.items.content import MAX_SAFE_INTEGER, ItemContent
from tests.fakes.gateway import event

LARGE = MAX_SAFE_INTEGER
FULL_PRICE = {"amount": 1, "currency": "EUR"}


def read(body: Any, **headers: str) -> dict[str, Any]:
    return validated(
        ItemContent, Request(event("POST /items", body=body, headers=headers))
    ).document()


def refusal(body: Any, **headers: str) -> Problem:
    with pytest.raises(Problem) as problem:
        read(body, **headers)
    return problem.value


def test_a_name_is_enough() -> None:
    assert read({"name": "Oak table"}) == {
        "name": "Oak table",
        "description": "",
        "category": None,
        "status": "draft",
        "price": None,
        "quantity": 0,
        "tags": [],
        "attributes": {},
    }


GOOD: dict[str, dict[str, Any]] = {
    "longest name": {"name": "n" * 200},
    "name of other scripts": {"name": "栎木桌 🪑"},
    "longest description": {"description": "d" * 4000},
    "description of lines": {"description": "one\ntwo\r\n\tthree"},
    "longest category": {"category": "c" * 100},
    "no category": {"category": None},
    "each status": {"status": "archived"},
    "no price": {"price": None},
    "free": {"price": {"amount": 0, "currency": "JPY"}},
    "dearest": {"price": {"amount": LARGE, "currency": "EUR"}},
    "whole, if written as a fraction": {"quantity": 3.0},
    "most": {"quantity": LARGE},
    "most tags": {"tags": ["t" * 50] * 20},
    "most attributes": {"attributes": {f"{n:064}": "v" * 1024 for n in range(50)}},
    "empty attribute": {"attributes": {"a": ""}},
}
BAD: dict[str, tuple[str, dict[str, Any]]] = {
    "name empty": ("name", {"name": ""}),
    "name too long": ("name", {"name": "n" * 201}),
    "name null": ("name", {"name": None}),
    "name a number": ("name", {"name": 7}),
    "name a list": ("name", {"name": ["n"]}),
    "name with NUL": ("name", {"name": "a\0b"}),
    "name of two lines": ("name", {"name": "a\nb"}),
    "name with a line end": ("name", {"name": "a\n"}),
    "name with DEL": ("name", {"name": "a\x7f"}),
    "description too long": ("description", {"description": "d" * 4001}),
    "description null": ("description", {"description": None}),
    "description with NUL": ("description", {"description": "\0"}),
    "category empty": ("category", {"category": ""}),
    "category too long": ("category", {"category": "c" * 101}),
    "category with NUL": ("category", {"category": "\0"}),
    "status another": ("status", {"status": "sold"}),
    "status in capitals": ("status", {"status": "DRAFT"}),
    "price a number": ("price", {"price": 100}),
    "price without amount": ("price.amount", {"price": {"currency": "EUR"}}),
    "price without currency": ("price.currency", {"price": {"amount": 1}}),
    "price with more": ("price.tax", {"price": {**FULL_PRICE, "tax": 1}}),
    "amount negative": ("price.amount", {"price": {**FULL_PRICE, "amount": -1}}),
    "amount a fraction": ("price.amount", {"price": {**FULL_PRICE, "amount": 1.5}}),
    "amount text": ("price.amount", {"price": {**FULL_PRICE, "amount": "1"}}),
    "amount true": ("price.amount", {"price": {**FULL_PRICE, "amount": True}}),
    "amount too large": ("price.amount", {"price": {**FULL_PRICE, "amount": LARGE + 1}}),
    "currency in lower case": ("price.currency", {"price": {**FULL_PRICE, "currency": "eur"}}),
    "currency with a line end": ("price.currency", {"price": {**FULL_PRICE, "currency": "EUR\n"}}),
    "quantity negative": ("quantity", {"quantity": -1}),
    "quantity huge": ("quantity", {"quantity": 10**400}),
    "quantity null": ("quantity", {"quantity": None}),
    "too many tags": ("tags", {"tags": ["t"] * 21}),
    "tags text": ("tags", {"tags": "oak"}),
    "tag empty": ("tags.1", {"tags": ["oak", ""]}),
    "tag too long": ("tags.0", {"tags": ["t" * 51]}),
    "tag a number": ("tags.0", {"tags": [1]}),
    "too many attributes": ("attributes", {"attributes": {str(n): "" for n in range(51)}}),
    "attributes a list": ("attributes", {"attributes": []}),
    "attribute too long": ("attributes.a", {"attributes": {"a": "v" * 1025}}),
    "attribute a number": ("attributes.a", {"attributes": {"a": 1}}),
    "unknown field": ("colour", {"colour": "red"}),
    "field of ours": ("version", {"version": 7}),
    "tenant": ("tenant", {"tenant": "other"}),
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
def test_content_within_the_limits_is_taken_as_it_is(changes: dict[str, Any]) -> None:
    content = read({"name": "Oak table", **changes})
    assert {name: content[name] for name in changes} == changes


@pytest.mark.parametrize(("field", "changes"), BAD.values(), ids=BAD.keys())
def test_content_beyond_them_is_refused_by_field(field: str, changes: dict[str, Any]) -> None:
    problem = refusal({"name": "Oak table", **changes})
    assert problem.status == 400
    assert {error["field"] for error in problem.errors} == {field}
    assert all(error["reason"] for error in problem.errors)


@pytest.mark.parametrize("name", ["", "a" * 65, "a\0"])
def test_attribute_names_have_limits_too(name: str) -> None:
    problem = refusal({"name": "Oak table", "attributes": {name: "v"}})
    assert all(error["field"].startswith("attributes") for error in problem.errors)


MALFORMED = {
    "nothing": "",
    "not JSON": "{",
    "a list": "[]",
    "null": "null",
    "text": '"name"',
    "two documents": '{"name": "a"} {"name": "b"}',
    "NaN": '{"name": "a", "quantity": NaN}',
    "infinity": '{"name": "a", "quantity": 1e999}',
    "a lone surrogate": '{"name": "\\ud800"}',
    "a lone surrogate as a name": '{"name": "a", "\\udfff": 1}',
    "a raw NUL": '{"name": "a\0"}',
    "single quotes": "{'name': 'a'}",
    "a comma too many": '{"name": "a",}',
    "deep lists": '{"name":' + "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "a byte order mark": '\ufeff{"name": "a"}',
    "half a character": "\ud800",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_json_object_is_refused(body: str) -> None:
    problem = refusal(body)
    assert problem.status == 400
    assert problem.errors
    # Then the answer can be written, and does not repeat the body
    assert len(json.dumps(problem.errors).encode()) < 1000


def test_of_a_name_given_twice_the_last_counts() -> None:
    assert read('{"name": "first", "name": "last"}')["name"] == "last"


def test_not_all_of_very_many_errors_are_listed() -> None:
    problem = refusal({"name": "a", **{f"unknown{number}": 1 for number in range(1000)}})
    assert len(problem.errors) == MAX_ERRORS


def test_a_reason_does_not_repeat_what_was_sent() -> None:
    problem = refusal({"name": "secret" * 100, "status": "confidential"})
    assert "secret" not in str(problem.errors)
    assert "confidential" not in str(problem.errors)


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_known_by_its_type(media_type: str) -> None:
    assert read({"name": "a"}, **{"Content-Type": media_type})["name"] == "a"


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/xml", "application/jsonx", "multipart/form-data"]
)
def test_other_types_are_refused(media_type: str) -> None:
    problem = refusal({"name": "a"}, **{"Content-Type": media_type})
    assert problem.status == 415
    assert problem.headers == {"Accept-Post": "application/json"}


def test_a_body_in_base64_is_read() -> None:
    sent = event("POST /items", body=base64.b64encode(b'{"name": "a"}').decode())
    request = Request({**sent, "isBase64Encoded": True})
    assert validated(ItemContent, request).name == "a"


@pytest.mark.parametrize("body", ["%%%", "abc", "eyJ9\n"])
def test_a_body_in_broken_base64_is_refused(body: str) -> None:
    request = Request({**event("POST /items", body=body), "isBase64Encoded": True})
    with pytest.raises(Problem) as problem:
        validated(ItemContent, request)
    assert problem.value.status == 400
