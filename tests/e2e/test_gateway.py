"""What the gateway itself answers: unknown routes, CORS, the API's description, its health."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.local_stack import ROOT, assert_problem

if TYPE_CHECKING:
    import httpx

    from tests.local_stack import Caller


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nothing"),
        ("GET", ""),
        ("PATCH", "items"),
        ("POST", "items/x"),
        ("GET", "items/x/y"),
    ],
)
def test_what_is_not_there_is_a_404_problem(caller: Caller, method: str, path: str) -> None:
    assert_problem(caller.http.request(method, path), 404)


@pytest.mark.parametrize(
    ("path", "methods"),
    [("items", {"GET", "POST"}), ("items/01900000-0000-7000-8000-000000000000", {"GET", "PUT"})],
)
def test_browsers_are_told_what_they_may_send(
    anonymous: httpx.Client, path: str, methods: set[str]
) -> None:
    # When
    answer = anonymous.options(
        path, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    )

    # Then
    assert answer.status_code in (200, 204)
    allowed = {one.strip() for one in answer.headers["access-control-allow-methods"].split(",")}
    assert methods <= allowed
    headers = answer.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "if-match", "if-none-match", "idempotency-key", "content-type"):
        assert name in headers
    assert answer.headers["access-control-allow-origin"]


def test_browsers_may_read_every_answer(anonymous: httpx.Client, caller: Caller) -> None:
    answers = [
        caller.http.get("items"),
        caller.get("01900000-0000-7000-8000-000000000000"),
        anonymous.get("items"),
        anonymous.get("nothing"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 401, 404]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"]


def test_the_description_is_the_committed_one(anonymous: httpx.Client) -> None:
    answer = anonymous.get("openapi.json")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == json.loads((ROOT / "openapi" / "openapi.json").read_text())


def test_the_page_that_renders_it_needs_no_other_host(anonymous: httpx.Client) -> None:
    # When
    page = anonymous.get("docs")

    # Then
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype html>", "")
    for asset, sign in (
        ("swagger-ui.js", "SwaggerUIBundle"),
        ("swagger-ui.css", ".swagger-ui"),
        ("page.js", "openapi.json"),
    ):
        assert f"docs/{asset}" in page.text or asset == "openapi.json"
        answer = anonymous.get(f"docs/{asset}")
        assert answer.status_code == 200
        assert sign in answer.text
    assert_problem(anonymous.get("docs/nothing.js"), 404)


def test_health_is_told_to_everybody(anonymous: httpx.Client) -> None:
    answer = anonymous.get("health")
    # On a busy machine the canary may be late: what is said has to be what is answered.
    assert (answer.status_code == 200) == (answer.json()["status"] in ("up", "degraded"))
    assert {"dynamodb", "redis", "mysql", "rest", "websocket"} <= answer.json()["parts"].keys()


def test_a_correlation_id_comes_back(caller: Caller) -> None:
    assert (
        caller.http.get("items", headers={"X-Correlation-Id": "order-7"}).headers[
            "x-correlation-id"
        ]
        == "order-7"
    )
    assert caller.http.get("items", headers={"X-Correlation-Id": "a b"}).headers[
        "x-correlation-id"
    ] not in ("a b", "")
