"""Reading requests: headers, ids, query parameters, and who calls."""

from __future__ import annotations

from typing import Any

import pytest

from itemstream.api.problems import Problem
from itemstream.api.requests import Request
from tests.fakes.gateway import REQUEST_ID, TOKEN_EXPIRES_AT, event

ID = "01935c7e-0000-7000-8000-000000000001"


def test_headers_have_no_case() -> None:
    request = Request(event(headers={"iF-mAtCh": '"1"'}))
    assert request.header("If-Match") == '"1"'
    assert request.header("If-None-Match") is None


def test_a_request_may_have_nothing_at_all() -> None:
    request = Request({})
    assert request.header("accept") is None
    assert request.id == ""
    assert request.body() == b""
    assert request.query.text("cursor", longest=9) is None


@pytest.mark.parametrize("given", ["abc-123", "a" * 128, "~!"])
def test_a_usable_correlation_id_is_kept(given: str) -> None:
    assert Request(event(headers={"x-correlation-id": given})).correlation_id == given


@pytest.mark.parametrize("given", ["", "a" * 129, "a b", "a\nb", "ü", 'a"\x00'])
def test_an_unusable_one_is_replaced(given: str) -> None:
    assert Request(event(headers={"X-Correlation-Id": given})).correlation_id == REQUEST_ID


def test_the_authorizer_alone_says_who_calls() -> None:
    sent = event(scopes="items:read", headers={"tenant": "other", "x-tenant": "other"})
    principal = Request(sent).principal()
    assert (principal.tenant, principal.subject) == ("acme", "alice")
    assert principal.scopes == {"items:read"}
    assert principal.expires_at == int(TOKEN_EXPIRES_AT)


def test_a_token_whose_end_is_not_said_counts_as_expired() -> None:
    sent = event()
    del sent["requestContext"]["authorizer"]["expires_at"]
    assert Request(sent).principal().expires_at == 0


@pytest.mark.parametrize(
    "said", [None, {}, {"tenant": "acme"}, {"subject": "alice"}, {"tenant": "", "subject": "alice"}]
)
def test_without_its_word_nobody_does(said: dict[str, Any] | None) -> None:
    sent = event()
    sent["requestContext"]["authorizer"] = said
    with pytest.raises(Problem) as problem:
        Request(sent).principal()
    assert problem.value.status == 401


def test_an_id_is_read_from_the_path() -> None:
    assert Request(event(path={"id": ID})).path_id("id") == ID


@pytest.mark.parametrize(
    "given",
    [
        "",
        "1",
        ID.upper(),
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        ID[:-1] + "g",
        f"{ID}\n",
        "../../etc/passwd",
        "0" * 36,
        "١" * 36,
        f" {ID[1:]}",
        "%00" * 12,
    ],
)
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(Problem) as problem:
        Request(event(path={"id": given})).path_id("id")
    assert problem.value.errors[0]["field"] == "id"


def test_a_missing_id_is_refused() -> None:
    with pytest.raises(Problem):
        Request(event()).path_id("id")


def limit(query: str) -> int:
    return Request(event(query=query)).query.integer("limit", default=25, lowest=1, highest=100)


@pytest.mark.parametrize(
    ("query", "expected"), [("", 25), ("limit=1", 1), ("limit=100", 100), ("limit=007", 7)]
)
def test_a_number_is_read(query: str, expected: int) -> None:
    assert limit(query) == expected


@pytest.mark.parametrize(
    "given",
    [
        "0",
        "-1",
        "101",
        "1000000000",
        "9" * 5000,
        "",
        "1.0",
        "1e1",
        "1_0",
        "%2B1",
        "+1",
        "0x1",
        "%D9%A1",
        "1%0A",
        "NaN",
        "null",
        "1;2",
    ],
)
def test_what_is_no_number_within_bounds_is_refused(given: str) -> None:
    with pytest.raises(Problem) as problem:
        limit(f"limit={given}")
    assert problem.value.errors == [{"field": "limit", "reason": "must be a number from 1 to 100"}]


def test_words_are_chosen_from_a_list() -> None:
    query = Request(event(query="status=draft")).query
    assert query.choice("status", ["draft", "active"]) == "draft"
    assert query.choice("other", ["draft"]) is None
    with pytest.raises(Problem, match="status"):
        query.choice("status", ["active"])


@pytest.mark.parametrize("given", ["category=", "category=" + "c" * 101])
def test_text_has_a_length(given: str) -> None:
    with pytest.raises(Problem) as problem:
        Request(event(query=given)).query.text("category", longest=100)
    assert problem.value.errors[0]["field"] == "category"


def test_parameters_that_are_unknown_or_given_twice_are_each_named() -> None:
    # Given
    query = Request(event(query="limit=1&limit=1&colour=red&cursor=x")).query

    # When
    with pytest.raises(Problem) as problem:
        query.allow(["limit", "cursor"])

    # Then
    assert {error["field"]: error["reason"] for error in problem.value.errors} == {
        "colour": "is not a parameter of this call",
        "limit": "is given more than once",
    }


def test_known_parameters_are_allowed() -> None:
    Request(event(query="limit=1")).query.allow(["limit", "cursor"])
