"""The APIs from outside, by aiohttp."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from itemstream.health.canary import Answer, ApiFailed

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

__all__ = ["ApiSettings", "OutsideApis"]

# Who is left without an answer says so elsewhere; this only keeps a connection from waiting on.
_CLOSING_SECONDS = 0.5
_LARGEST_FRAME = 1024 * 1024


@dataclass(frozen=True)
class ApiSettings:
    """
    Environment that says where the APIs answer, their stages included.

    Parameters
    ----------
    rest_api_url, websocket_url
        Where they are.
    client_certificate_secret
        Name or ARN of the secret with the certificate that the REST API asks for; empty: it asks
        for none.
    """

    rest_api_url: str
    websocket_url: str
    client_certificate_secret: str = ""


class OutsideApis:
    """
    The APIs; see :class:`itemstream.health.canary.Apis`.

    Parameters
    ----------
    settings
        Where they are.
    session
        Connections of one check.
    """

    def __init__(self, settings: ApiSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session

    @classmethod
    @asynccontextmanager
    async def connected(cls, settings: ApiSettings) -> AsyncIterator[OutsideApis]:
        """Connect anew, as a client would who comes once: lookups and handshakes are tried too."""
        connector = aiohttp.TCPConnector(ssl=await _tls(settings) if _encrypted(settings) else True)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            yield cls(settings, session)

    async def call(
        self,
        token: str,
        method: str,
        path: str,
        *,
        document: dict[str, Any] | None = None,
        etag: str = "",
    ) -> Answer:
        """Call the REST API and read its answer."""
        headers = {"Authorization": f"Bearer {token}", **({"If-Match": etag} if etag else {})}
        url = f"{self._settings.rest_api_url.rstrip('/')}/{path}"
        try:
            async with self._session.request(
                method, url, json=document, headers=headers, allow_redirects=False
            ) as response:
                body = await response.read()
                read = json.loads(body) if body else None
                return Answer(response.status, read, response.headers.get("ETag", ""))
        except (aiohttp.ClientError, OSError) as error:
            raise ApiFailed(f"no connection: {type(error).__name__}") from error
        except ValueError as error:
            raise ApiFailed("the answer is no JSON") from error

    @asynccontextmanager
    async def socket(self, token: str) -> AsyncIterator[_Stream]:
        """Open a socket with the token in its header."""
        try:
            socket = await self._session.ws_connect(
                self._settings.websocket_url,
                headers={"Authorization": f"Bearer {token}"},
                max_msg_size=_LARGEST_FRAME,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSING_SECONDS),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise ApiFailed(f"the handshake is answered {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ApiFailed(f"no connection: {type(error).__name__}") from error
        async with socket:
            yield _Stream(socket)


class _Stream:
    """A socket; see :class:`itemstream.health.canary.EventStream`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def subscribe(self, topic: str) -> None:
        """Send the frame and wait for its answer."""
        try:
            await self._socket.send_json({"action": "subscribe", "topic": topic})
        except (aiohttp.ClientError, OSError) as error:
            raise ApiFailed(f"the socket ended: {type(error).__name__}") from error
        while True:
            frame = await self._frame()
            if frame.get("type") == "subscribed":
                return
            if frame.get("type") == "error" or "type" not in frame:
                status = frame.get("problem", {}).get("status", 500)
                raise ApiFailed(f"the subscription is answered {status}")

    async def events(self) -> list[dict[str, Any]]:
        """Take the next frame's."""
        frame = await self._frame()
        return list(frame["events"]) if frame.get("type") == "events" else []

    async def _frame(self) -> dict[str, Any]:
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ApiFailed(f"the socket ended: {message.type.name}")
        return dict(json.loads(message.data))


def _encrypted(settings: ApiSettings) -> bool:
    return settings.rest_api_url.startswith("https://")


async def _tls(settings: ApiSettings) -> ssl.SSLContext:
    import ssl

    from botocore.httpsession import DEFAULT_CA_BUNDLE

    # The authorities that every AWS client here trusts, whatever the image has.
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE)
    if secret := settings.client_certificate_secret:
        from itemstream.health.client_certificate import show_certificate

        await asyncio.to_thread(show_certificate, context, secret)
    return context
