"""Where the canary's tokens come from: our own keys, or an issuer."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from itemstream.auth.keys import KeySet
from itemstream.auth.signing_keys import new_key_ring
from itemstream.auth.tokens import TokenVerifier
from itemstream.health import tokens_oauth, tokens_own_keys
from itemstream.health.canary import CANARY_SCOPE, TokenUnavailable
from itemstream.health.tokens_oauth import ClientCredentials
from itemstream.health.tokens_own_keys import OwnKeys, OwnKeysSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS = OwnKeysSettings("token-signing", "urn:test", "test", "canary")


def test_our_own_keys_sign_a_token_that_our_apis_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    now = datetime.now(UTC)
    ring = new_key_ring(now)
    monkeypatch.setattr(tokens_own_keys, "json_secret", lambda _: json.loads(ring.to_json()))

    # When
    token = asyncio.run(OwnKeys(SETTINGS).token())

    # Then
    keys = KeySet(lambda: json.dumps(ring.public_keys(now)).encode())
    principal = TokenVerifier(keys, issuer="urn:test", audience="test").verify(token)
    assert principal.tenant == "canary"
    assert principal.scopes == frozenset(CANARY_SCOPE.split())
    assert principal.expires_at - now.timestamp() < 125


def test_keys_that_cannot_be_read_are_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> Any:
        raise RuntimeError("arn:aws:secretsmanager:…")

    monkeypatch.setattr(tokens_own_keys, "json_secret", fail)
    with pytest.raises(TokenUnavailable, match="cannot be read") as refused:
        asyncio.run(OwnKeys(SETTINGS).token())
    assert "arn" not in str(refused.value)


class Issuer:
    """An OAuth 2.0 token endpoint."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        self.expires_in: int | None = 300

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append((request.headers["Authorization"], form))
        answer = {"access_token": f"token-{len(self.requests)}", "token_type": "Bearer"}
        if self.expires_in is not None:
            answer |= {"expires_in": str(self.expires_in)}
        return web.json_response(answer, status=self.status)


@asynccontextmanager
async def running(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, **more: str
) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_post("/token", issuer.answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    secret = {
        "token_url": f"http://127.0.0.1:{runner.addresses[0][1]}/token",
        "client_id": "canary",
        "client_secret": "p:ss/word",
        **more,
    }
    monkeypatch.setattr(tokens_oauth, "json_secret", lambda _: secret)
    try:
        yield
    finally:
        await runner.cleanup()


def test_a_client_asks_the_issuer_as_oauth_says_and_keeps_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    issuer, clock = Issuer(), [0.0]

    async def ask() -> list[str]:
        async with running(issuer, monkeypatch, scope="api/items"):
            client = ClientCredentials("canary-client", clock=lambda: clock[0])
            first = [await client.token(), await client.token()]
            clock[0] = 239
            kept = await client.token()
            # A minute before its end it is let go
            clock[0] = 241
            return [*first, kept, await client.token()]

    # When
    tokens = asyncio.run(ask())

    # Then
    assert tokens == ["token-1", "token-1", "token-1", "token-2"]
    authorization, form = issuer.requests[0]
    assert authorization == f"Basic {b64encode(b'canary:p%3Ass%2Fword').decode()}"
    assert form == {"grant_type": "client_credentials", "scope": "api/items"}


def test_a_token_without_an_end_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    issuer.expires_in = None

    async def ask() -> list[str]:
        async with running(issuer, monkeypatch):
            client = ClientCredentials("canary-client")
            return [await client.token(), await client.token()]

    assert asyncio.run(ask()) == ["token-1", "token-2"]
    assert issuer.requests[0][1]["scope"] == CANARY_SCOPE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": 401}, "the issuer answers 401"),
        ({"url": "http://issuer.example/token"}, "token_url is not https"),
        ({"url": "http://127.0.0.1:9/token"}, r"gives none \(ClientConnectorError\)"),
    ],
)
def test_an_issuer_that_gives_none_says_so_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], reason: str
) -> None:
    # Given
    issuer = Issuer()
    issuer.status = change.get("status", 200)
    more = {"token_url": change["url"]} if "url" in change else {}

    async def ask() -> str:
        async with running(issuer, monkeypatch, **more):
            return await ClientCredentials("canary-client").token()

    # Then
    with pytest.raises(TokenUnavailable, match=reason) as refused:
        asyncio.run(ask())
    assert "word" not in str(refused.value)
