"""The canary: a client with a tenant of its own that does what clients do, once a minute.

It opens a socket and subscribes, creates, reads, replaces and deletes an item, and waits for the
events of that. So it passes gateways, authorizers, functions, tables, the event log and its
readers, from outside.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from itemstream.health.model import Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

__all__ = [
    "CANARY_PARTS",
    "CANARY_SCOPE",
    "Answer",
    "ApiFailed",
    "Apis",
    "Canary",
    "EventStream",
    "TokenSource",
    "TokenUnavailable",
]

CANARY_PARTS = ("rest", "websocket")
CANARY_SCOPE = "items:read items:write realtime:connect"
# All of it together takes less than ten seconds.
TOKEN_SECONDS = 1.5
SOCKET_SECONDS = 2.0
REST_SECONDS = 3.5
EVENTS_SECONDS = 2.5

_EVENTS = frozenset({"item.created", "item.updated", "item.deleted"})
# A canary that died between creating and deleting leaves an item behind, which a later one removes.
_LEFT_BEHIND_AFTER = timedelta(minutes=1)


class TokenUnavailable(Exception):  # noqa: N818
    """There is no token to call with. The text says why and may be shown to everybody."""


class ApiFailed(Exception):  # noqa: N818
    """An API did not do what it should. The text says what and may be shown to everybody."""


class TokenSource(Protocol):
    """Where the canary's access tokens come from."""

    async def token(self) -> str:
        """
        Return a token with the canary's tenant and scopes.

        Raises
        ------
        TokenUnavailable
            There is none to be had.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """What the REST API answers."""

    status: int
    document: Any = None
    etag: str = ""


class EventStream(Protocol):
    """An open socket."""

    async def subscribe(self, topic: str) -> None:
        """
        Subscribe and wait until that is confirmed.

        Raises
        ------
        ApiFailed
            It is refused, or the socket ends.
        """

    async def events(self) -> list[dict[str, Any]]:
        """
        Wait for events.

        Raises
        ------
        ApiFailed
            The socket ends.
        """


class Apis(Protocol):
    """The APIs, from outside."""

    async def call(
        self,
        token: str,
        method: str,
        path: str,
        *,
        document: dict[str, Any] | None = None,
        etag: str = "",
    ) -> Answer:
        """
        Call the REST API.

        Raises
        ------
        ApiFailed
            There is no answer.
        """

    def socket(self, token: str) -> AbstractAsyncContextManager[EventStream]:
        """
        Open a socket.

        Raises
        ------
        ApiFailed
            It does not open.
        """


class Canary:
    """
    Asks the APIs how they are by using them.

    Parameters
    ----------
    tokens
        Its credentials.
    apis
        Connects to the APIs, for one check.
    now
        The time.
    """

    def __init__(
        self,
        tokens: TokenSource,
        apis: Callable[[], AbstractAsyncContextManager[Apis]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tokens = tokens
        self._connect = apis
        self._now = now

    async def ask(self) -> dict[str, Finding]:
        """Return how the REST and the WebSocket API are."""
        try:
            async with asyncio.timeout(TOKEN_SECONDS):
                token = await self._tokens.token()
        except (TokenUnavailable, TimeoutError) as error:
            # Nothing is known of the APIs then; who has a token may well be served.
            reason = str(error) or f"no answer within {TOKEN_SECONDS:g} s"
            unknown = Finding("degraded", f"no token to try with: {reason}")
            return dict.fromkeys(CANARY_PARTS, unknown)
        subscribed = asyncio.Event()
        changed: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        async with self._connect() as apis, asyncio.TaskGroup() as tasks:
            websocket = tasks.create_task(_hear(apis, token, subscribed, changed))
            await subscribed.wait()
            rest = tasks.create_task(self._use(apis, token, changed))
        return {"rest": rest.result(), "websocket": websocket.result()}

    async def _use(self, apis: Apis, token: str, changed: asyncio.Future[str | None]) -> Finding:
        """Use the REST API; tell which item was changed."""
        started = time.perf_counter()
        item = None
        try:
            async with asyncio.timeout(REST_SECONDS):
                item = await self._live_through(apis, token)
        except TimeoutError:
            return Finding("down", f"no answer within {REST_SECONDS:g} s", _since(started))
        except ApiFailed as failed:
            return Finding("down", str(failed), _since(started))
        finally:
            changed.set_result(item)
        return Finding("up", None, _since(started))

    async def _live_through(self, apis: Apis, token: str) -> str:
        content = {"name": "Canary", "category": "health"}
        created = await _expect(apis, 201, token, "POST", "items", document=content)
        item = str(created.document["id"])
        path = f"items/{item}"
        read = await _expect(apis, 200, token, "GET", path)
        if read.document["id"] != item:
            raise ApiFailed("GET /items/{id} answers another item")
        replaced = await _expect(
            apis, 200, token, "PUT", path, document={**content, "quantity": 1}, etag=read.etag
        )
        if replaced.document["quantity"] != 1:
            raise ApiFailed("PUT /items/{id} answers what was before")
        await _expect(apis, 204, token, "DELETE", path, etag=replaced.etag)
        await self._remove_leftovers(apis, token)
        return item

    async def _remove_leftovers(self, apis: Apis, token: str) -> None:
        page = await _expect(apis, 200, token, "GET", "items?limit=10")
        for item in page.document["items"]:
            if self._now() - datetime.fromisoformat(item["created_at"]) > _LEFT_BEHIND_AFTER:
                etag = f'"{item["version"]}"'
                # Whoever else removes it is welcome to.
                await apis.call(token, "DELETE", f"items/{item['id']}", etag=etag)


async def _hear(
    apis: Apis, token: str, subscribed: asyncio.Event, changed: asyncio.Future[str | None]
) -> Finding:
    """Open a socket, say when it is subscribed or will never be, and wait for events."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(SOCKET_SECONDS) as limit, apis.socket(token) as stream:
            await stream.subscribe("items")
            limit.reschedule(None)
            took = _since(started)
            subscribed.set()
            item = await changed
            if item is None:
                return Finding("up", None, took)
            return await _events_of(stream, item, took)
    except TimeoutError:
        return Finding("down", f"no subscription within {SOCKET_SECONDS:g} s", _since(started))
    except ApiFailed as failed:
        return Finding("down", str(failed), _since(started))
    finally:
        subscribed.set()


async def _events_of(stream: EventStream, item: str, took: int) -> Finding:
    started = time.perf_counter()
    missing = set(_EVENTS)
    try:
        async with asyncio.timeout(EVENTS_SECONDS):
            while missing:
                events = await stream.events()
                missing -= {event["type"] for event in events if event["subject"] == item}
    except TimeoutError:
        late = ", ".join(sorted(missing))
        reason = f"not heard within {EVENTS_SECONDS:g} s: {late}"
        # Some are heard: late, but alive.
        return Finding("down" if missing == _EVENTS else "degraded", reason, took + _since(started))
    return Finding("up", None, took + _since(started))


async def _expect(
    apis: Apis,
    status: int,
    token: str,
    method: str,
    path: str,
    *,
    document: dict[str, Any] | None = None,
    etag: str = "",
) -> Answer:
    answer = await apis.call(token, method, path, document=document, etag=etag)
    if answer.status != status:
        route = "/items/{id}" if "/" in path else "/items"
        raise ApiFailed(f"{method} {route} answers {answer.status}")
    return answer


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
