"""The canary, against APIs that fail in each way that it is there to notice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.health import canary
from itemstream.health.canary import TokenUnavailable
from tests.unit.health.apis import ITEM, OLD, Outside, canary_of

if TYPE_CHECKING:
    from itemstream.health.model import Finding

NOW = datetime(2026, 11, 21, 6, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for what never comes a moment only."""
    for name in ("TOKEN_SECONDS", "SOCKET_SECONDS", "REST_SECONDS", "EVENTS_SECONDS"):
        monkeypatch.setattr(canary, name, 0.5)


def asked(outside: Outside, tokens: Any = None) -> dict[str, Finding]:
    async def ask() -> dict[str, Finding]:
        async with canary_of(outside, tokens, now=lambda: NOW) as bird:
            return await bird.ask()

    return asyncio.run(ask())


def told(outside: Outside) -> dict[str, tuple[str, str | None]]:
    return {part: (found.state, found.reason) for part, found in asked(outside).items()}


def test_apis_that_work_are_up() -> None:
    # Given
    outside = Outside()

    # When
    found = asked(outside)

    # Then it did what clients do, with its token
    assert {part: one.state for part, one in found.items()} == {"rest": "up", "websocket": "up"}
    assert outside.calls == [
        "POST items",
        f"GET items/{ITEM}",
        f"PUT items/{ITEM}",
        f"DELETE items/{ITEM}",
        "GET items",
    ]
    assert outside.tokens == {"Bearer a-token"}
    assert all(one.latency_ms is not None and one.latency_ms >= 0 for one in found.values())


@pytest.mark.parametrize(
    ("call", "status", "reason"),
    [
        ("POST items", 503, "POST /items answers 503"),
        (f"GET items/{ITEM}", 404, "GET /items/{id} answers 404"),
        (f"PUT items/{ITEM}", 412, "PUT /items/{id} answers 412"),
        (f"DELETE items/{ITEM}", 500, "DELETE /items/{id} answers 500"),
        ("GET items", 401, "GET /items answers 401"),
        ("POST items", 0, "no answer within 0.5 s"),
    ],
)
def test_a_rest_api_that_fails_is_down_and_says_where(call: str, status: int, reason: str) -> None:
    found = told(Outside(answers={call: status}))
    assert found == {"rest": ("down", reason), "websocket": ("up", None)}


@pytest.mark.parametrize(
    ("outside", "reason"),
    [
        (Outside(handshake=500), "the handshake is answered 500"),
        (Outside(subscription="error"), "the subscription is answered 503"),
        (Outside(subscription=""), "no subscription within 0.5 s"),
        (Outside(subscription="end"), "the socket ended: CLOSE"),
    ],
    ids=["handshake", "refused", "silent", "ended"],
)
def test_a_socket_that_fails_is_down_and_rest_is_tried_all_the_same(
    outside: Outside, reason: str
) -> None:
    assert told(outside) == {"rest": ("up", None), "websocket": ("down", reason)}


def test_events_that_do_not_come_are_missed() -> None:
    every = {"item.created", "item.updated", "item.deleted"}
    late = told(Outside(silent={"item.deleted"}))
    none = told(Outside(silent=every))
    assert late["websocket"] == ("degraded", "not heard within 0.5 s: item.deleted")
    assert none["websocket"][0] == "down"
    assert late["rest"] == none["rest"] == ("up", None)


def test_apis_that_are_not_there_are_down() -> None:
    # Given
    outside = Outside()

    async def ask() -> dict[str, Finding]:
        async with canary_of(outside) as bird:
            pass
        return await bird.ask()

    # Then
    for found in asyncio.run(ask()).values():
        assert (found.state, found.reason) == ("down", "no connection: ClientConnectorError")


def test_what_a_dead_canary_left_behind_is_removed() -> None:
    # Given
    left = {"id": OLD, "version": 2, "created_at": "2026-11-21T06:00:00.000Z"}
    under_way = {"id": "other", "version": 1, "created_at": "2026-11-21T06:09:30.000Z"}
    outside = Outside(items=[left, under_way])

    # When
    found = asked(outside)

    # Then
    assert found["rest"].state == "up"
    assert f"DELETE items/{OLD}" in outside.calls
    assert "DELETE items/other" not in outside.calls


def test_without_a_token_nothing_is_known_of_the_apis() -> None:
    class Nobody:
        async def token(self) -> str:
            raise TokenUnavailable("the issuer answers 500")

    found = asked(Outside(), Nobody())
    for one in found.values():
        assert one.state == "degraded"
        assert one.reason == "no token to try with: the issuer answers 500"


def test_a_token_is_not_waited_for_for_ever() -> None:
    class Slow:
        async def token(self) -> str:
            await asyncio.Event().wait()
            return ""

    assert asked(Outside(), Slow())["rest"].reason == "no token to try with: no answer within 0.5 s"
