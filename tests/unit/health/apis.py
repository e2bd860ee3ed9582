"""The REST and WebSocket APIs as the canary meets them, played by a server of the test's own."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from itemstream.health.canary import Canary
from itemstream.health.canary_aiohttp import ApiSettings, OutsideApis

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

ITEM = "01a1fc6a-9e31-71b5-8a35-5f5b9c1d2e3f"
OLD = "01a1fc6a-0000-71b5-8a35-5f5b9c1d2e3f"


@dataclass
class Outside:
    """
    What the APIs do.

    Parameters
    ----------
    answers
        Status by "METHOD path" where it is not the usual one; 0: none ever comes.
    handshake
        Status of the handshake.
    silent
        Types of events that do not come.
    subscription
        Type of the frame that answers the subscription; empty: none ever comes.
    items
        What the list answers.
    """

    answers: dict[str, int] = field(default_factory=dict)
    handshake: int = 101
    silent: set[str] = field(default_factory=set)
    subscription: str = "subscribed"
    items: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _quantity: int = 0

    async def rest(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/v1/")
        call = f"{request.method} {path}"
        self.calls.append(call)
        self.tokens.add(request.headers["Authorization"])
        if call in self.answers:
            if self.answers[call] == 0:
                await self.over.wait()
            return web.json_response({}, status=self.answers[call])
        match request.method:
            case "POST":
                return self._changed("item.created", 201)
            case "PUT":
                assert request.headers["If-Match"] == '"1"'
                self._quantity = (await request.json())["quantity"]
                return self._changed("item.updated", 200)
            case "DELETE":
                self._heard.put_nowait({"type": "item.deleted", "subject": path[6:]})
                return web.Response(status=204)
            case _ if path == "items":
                return web.json_response({"items": self.items, "next_cursor": None})
        return web.json_response({"id": ITEM}, headers={"ETag": '"1"'})

    def _changed(self, event: str, status: int) -> web.Response:
        self._heard.put_nowait({"type": event, "subject": ITEM})
        document = {"id": ITEM, "quantity": self._quantity}
        return web.json_response(document, status=status, headers={"ETag": '"2"'})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        if self.handshake != 101:
            return web.Response(status=self.handshake)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        message = await socket.receive()
        assert message.type is WSMsgType.TEXT
        assert json.loads(message.data) == {"action": "subscribe", "topic": "items"}
        if self.subscription == "end":
            await socket.close()
            return socket
        if self.subscription:
            answer: dict[str, Any] = {"type": self.subscription, "topic": "items"}
            if self.subscription == "error":
                answer["problem"] = {"status": 503}
            await socket.send_json(answer)
        sender = asyncio.create_task(self._send(socket))
        async for _ in socket:
            pass
        sender.cancel()
        return socket

    async def _send(self, socket: web.WebSocketResponse) -> None:
        while True:
            event = await self._heard.get()
            if event["type"] not in self.silent:
                frame = {"type": "events", "topic": "items", "events": [event], "cursor": "1"}
                await socket.send_json(frame)


class Given:
    """A token that was given out before."""

    async def token(self) -> str:
        return "a-token"


@asynccontextmanager
async def canary_of(
    outside: Outside,
    tokens: Any = None,
    *,
    tls: ssl.SSLContext | None = None,
    certificate_secret: str = "",
    **more: Any,
) -> AsyncIterator[Canary]:
    """Start the APIs, and make a canary that uses them."""
    application = web.Application()
    application.router.add_get("/socket/v1", outside.socket)
    application.router.add_route("*", "/v1/{path:.*}", outside.rest)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    outside.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    settings = ApiSettings(
        f"{outside.url}/v1",
        f"{outside.url.replace('http', 'ws')}/socket/v1",
        certificate_secret,
    )
    try:
        yield Canary(tokens or Given(), lambda: OutsideApis.connected(settings), **more)
    finally:
        outside.over.set()
        await runner.cleanup()
