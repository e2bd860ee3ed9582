"""The function that describes the API; it needs no token."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.gateway import LambdaContext, assert_problem, event

if TYPE_CHECKING:
    from collections.abc import Callable


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
