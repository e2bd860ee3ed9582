"""The functions that need no token: health and documentation."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import redis

from itemstream.dependencies import DependencyUnavailable
from tests.fakes.gateway import LambdaContext, assert_problem, event

if TYPE_CHECKING:
    from collections.abc import Callable


class Answering:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def _answer(self, *_args: str) -> None:
        if self._error:
            raise self._error

    get = ping = _answer


@pytest.mark.parametrize(
    ("dynamodb", "cache", "code", "expected"),
    [
        (None, None, 200, {"status": "up", "parts": {"dynamodb": "up", "redis": "up"}}),
        (None, "off", 200, {"status": "up", "parts": {"dynamodb": "up", "redis": "off"}}),
        (
            None,
            redis.TimeoutError(),
            200,
            {"status": "degraded", "parts": {"dynamodb": "up", "redis": "down"}},
        ),
        (
            DependencyUnavailable("DynamoDB"),
            None,
            503,
            {"status": "down", "parts": {"dynamodb": "down", "redis": "up"}},
        ),
    ],
)
def test_health_is_what_the_parts_say(
    load: Callable[[str], Any], dynamodb: Any, cache: Any, code: int, expected: dict[str, Any]
) -> None:
    # Given
    function = load("functions.crud.get_health")
    function.items = Answering(dynamodb)
    function.cache = None if cache == "off" else Answering(cache)

    # When
    answer = function.handler(event("GET /health", tenant=None), LambdaContext())

    # Then
    assert answer["statusCode"] == code
    assert json.loads(answer["body"]) == expected


def test_health_reads_the_real_table(load: Callable[[str], Any]) -> None:
    function = load("functions.crud.get_health")
    answer = function.handler(event("GET /health", tenant=None), LambdaContext())
    assert json.loads(answer["body"])["parts"] == {"dynamodb": "up", "redis": "off"}


def document(load: Callable[[str], Any], route: str, asset: str | None = None) -> dict[str, Any]:
    handler = load("functions.crud.get_documentation").handler
    path = {"asset": asset} if asset else None
    answer: dict[str, Any] = handler(event(route, path=path, tenant=None), LambdaContext())
    return answer


def test_the_description_is_the_committed_one(load: Callable[[str], Any]) -> None:
    answer = document(load, "GET /openapi.json")
    assert answer["headers"]["Content-Type"] == "application/json"
    assert json.loads(answer["body"])["openapi"] == "3.1.0"


def test_the_page_asks_no_other_host(load: Callable[[str], Any]) -> None:
    # When
    page = document(load, "GET /docs")

    # Then each of its parts is served by us
    assert page["headers"]["Content-Type"].startswith("text/html")
    parts = re.findall(r'(?:src|href)="docs/([^"]+)"', page["body"])
    assert len(parts) == 3
    for part in parts:
        answer = document(load, "GET /docs/{asset}", part)
        assert answer["statusCode"] == 200
        assert len(answer["body"]) > 50
    assert "://" not in page["body"]
    assert "default-src 'self'" in page["headers"]["Content-Security-Policy"]


@pytest.mark.parametrize("asset", ["other.js", "../openapi.json", "..", "%2e%2e"])
def test_there_are_no_other_assets(load: Callable[[str], Any], asset: str) -> None:
    assert_problem(document(load, "GET /docs/{asset}", asset), 404)
