"""What clients are told of rate limits, by every answer of a route that has one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.api.rest import Call, Response, rest_handler
from itemstream.items import ItemNotFound
from itemstream.items.problems import item_problem
from itemstream.rate_limits.http import admission, tenant_rate_limit
from itemstream.rate_limits.token_bucket import RateLimit, Standing
from tests.fakes.gateway import LambdaContext, assert_problem, event

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = RateLimit("image-uploads", requests=2, seconds=60)
FIELDS = ("RateLimit", "RateLimit-Policy")


@dataclass
class Buckets:
    """Buckets from which nothing comes back; nobody knows what is in them when Redis is away."""

    taken: dict[str, int]
    away: bool = False

    def take(self, tenant: str) -> Standing | None:
        if self.away:
            return None
        taken = self.taken.get(tenant, 0)
        self.taken[tenant] = min(taken + 1, LIMIT.requests)
        return Standing(LIMIT, taken < LIMIT.requests, self.taken[tenant] * LIMIT.interval)


@pytest.fixture
def buckets() -> Buckets:
    return Buckets({})


@pytest.fixture
def ask(buckets: Buckets) -> Callable[..., dict[str, Any]]:
    """Ask a handler that finds no item "missing", and answers an empty object otherwise."""

    @rest_handler(
        scope="items:write",
        parameters=["id"],
        problems=[item_problem],
        rate_limit=admission(buckets),
    )
    def handler(call: Call) -> Response:
        if call.request.query.text("id", longest=10) == "missing":
            raise ItemNotFound("missing")
        return Response(200, {})

    return lambda **request: handler(event(**request), LambdaContext())


def test_every_answer_says_what_is_left(ask: Callable[..., dict[str, Any]]) -> None:
    answers = [ask(), ask(query="id=missing")]
    assert [answer["statusCode"] for answer in answers] == [200, 404]
    assert [answer["headers"]["RateLimit"] for answer in answers] == [
        '"image-uploads";r=1;t=30',
        '"image-uploads";r=0;t=30',
    ]
    assert {answer["headers"]["RateLimit-Policy"] for answer in answers} == {
        '"image-uploads";q=2;w=60'
    }


def test_who_asks_too_often_is_told_when_to_come_back(
    ask: Callable[..., dict[str, Any]], log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    for _ in range(LIMIT.requests):
        assert ask()["statusCode"] == 200

    # When
    answer = ask()

    # Then
    problem = assert_problem(answer, 429)
    assert problem["type"] == "urn:itemstream:problem:rate-limit-exceeded"
    assert answer["headers"]["Retry-After"] == "30"
    assert answer["headers"]["RateLimit"] == '"image-uploads";r=0;t=30'
    assert any(line.get("RateLimited") == [1.0] for line in log())

    # Then other tenants are not
    assert ask(tenant="other")["statusCode"] == 200


def test_who_may_not_call_takes_nothing(
    ask: Callable[..., dict[str, Any]], buckets: Buckets
) -> None:
    assert_problem(ask(scopes="items:read"), 403)
    assert_problem(ask(tenant=None), 401)
    assert_problem(ask(query="page=2"), 400, "page")
    assert buckets.taken == {}


def test_whom_nobody_can_judge_is_let_in(
    ask: Callable[..., dict[str, Any]], buckets: Buckets
) -> None:
    buckets.away = True
    answers = [ask() for _ in range(LIMIT.requests + 1)]
    assert {answer["statusCode"] for answer in answers} == {200}
    assert not any(name in answer["headers"] for answer in answers for name in FIELDS)


def test_nothing_of_one_answer_is_in_the_next(
    ask: Callable[..., dict[str, Any]], buckets: Buckets
) -> None:
    assert "RateLimit" in ask()["headers"]
    buckets.away = True
    assert "RateLimit" not in ask()["headers"]


def test_browsers_may_read_the_fields(
    ask: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGIN", "*")
    exposed = re.split(", ?", ask()["headers"]["Access-Control-Expose-Headers"])
    assert {*FIELDS, "Retry-After"} <= set(exposed)


def test_without_a_redis_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    assert tenant_rate_limit() is None


def test_a_redis_that_is_away_from_the_start_lets_everybody_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    for name, value in {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "RATE_LIMIT_NAME": LIMIT.name,
        "RATE_LIMIT_REQUESTS": "1",
        "RATE_LIMIT_SECONDS": "60",
    }.items():
        monkeypatch.setenv(name, value)

    # When, then
    admit = tenant_rate_limit()
    assert admit is not None
    assert [admit("acme") for _ in range(5)] == [{}] * 5
