"""The client: one socket for all topics, made again whenever it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, overload

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException

from itemstream_client.connection import Connection, EndedError
from itemstream_client.credentials import Credentials
from itemstream_client.errors import (
    AbuseError,
    CredentialsError,
    HandshakeError,
    RealtimeError,
)
from itemstream_client.pace import pause
from itemstream_client.states import State
from itemstream_client.subscription import Subscription
from itemstream_client.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from websockets.asyncio.client import ClientConnection

    from itemstream_client.credentials import Provider
    from itemstream_client.events import Event, Reset

__all__ = ["RealtimeClient"]

_log = logging.getLogger("itemstream_client")
# At DEBUG the library writes handshakes down, tokens and tickets with them.
_wire_log = logging.getLogger("itemstream_client.wire")
_wire_log.setLevel(logging.INFO)

_TOKEN_IS_OVER = 4401
_ABUSE = 1008
_MAY_PASS = {408, 425, 429}


class RealtimeClient:
    """
    A client of the WebSocket API, to be used by ``async with``.

    Parameters
    ----------
    url
        The WebSocket API's address, such as ``wss://….amazonaws.com/v1``.
    token
        An access token with the scope ``realtime:connect``; when it ends, so does the client.
    token_provider
        Returns such a token, fresh enough for a while; asked for each connection and before a
        token ends. What it raises is tried again, except :class:`CredentialsError`.
    ticket_provider
        Returns a ticket of ``POST /realtime/tickets``; asked for each connection. Together with
        a ``token_provider``, connections outlive the token that the ticket was made with.
    on_state
        Told how the connection is.
    buffer
        How many events of a topic wait for their reader at the most, give or take one frame.
    timing
        The times that the client keeps.

    Examples
    --------
    >>> async with RealtimeClient(url, token=token) as client:  # doctest: +SKIP
    ...     async for event in client.subscribe("items", after=cursor):
    ...         print(event)
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        token_provider: Provider | None = None,
        ticket_provider: Provider | None = None,
        on_state: Callable[[State], None] | None = None,
        buffer: int = 1000,
        timing: Timing | None = None,
    ) -> None:
        self._url = url
        self._credentials = Credentials(token, token_provider, ticket_provider)
        self._on_state = on_state or (lambda _: None)
        self._buffer = buffer
        self._timing = timing or Timing()
        self._subscriptions: dict[str, Subscription[Any]] = {}
        self._connection: Connection | None = None
        self._running: asyncio.Task[None] | None = None
        self._error: RealtimeError | None = None
        self._opened_at: float | None = None
        self._refusals = 0

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the socket and end all subscriptions."""
        if self._running:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    @overload
    def subscribe(
        self,
        topic: str,
        *,
        after: str | None = None,
        on_reset: Callable[[Reset], Awaitable[None]],
    ) -> Subscription[Event]: ...

    @overload
    def subscribe(
        self, topic: str, *, after: str | None = None, on_reset: None = None
    ) -> Subscription[Event | Reset]: ...

    def subscribe(
        self,
        topic: str,
        *,
        after: str | None = None,
        on_reset: Callable[[Reset], Awaitable[None]] | None = None,
    ) -> Subscription[Any]:
        """
        Subscribe to a topic.

        Parameters
        ----------
        topic
            ``items``, ``items/<item id>``, ``calls`` or ``reports``.
        after
            A cursor: the events that came after it are the first. Without it, the first is the
            next that happens.
        on_reset
            Awaited, at its place among the events, when the log no longer holds what came after
            the cursor. Without it, the reader gets a :class:`Reset` there.

        Returns
        -------
        Subscription
            An asynchronous iterator. It raises :class:`ProblemError` if the server refuses the
            topic, and another :class:`RealtimeError` if the client itself can't go on.

        Raises
        ------
        ValueError
            If this client has the topic already.
        RealtimeError
            If the client is closed.
        """
        if self._running is None or self._running.done():
            raise self._error or RealtimeError("the client is not open: use `async with`")
        if topic in self._subscriptions and not self._subscriptions[topic].ended:
            raise ValueError(f"this client is subscribed to {topic} already")
        subscription: Subscription[Any] = Subscription(
            topic, after, self._buffer, on_reset, self._leave, self._join
        )
        self._subscriptions[topic] = subscription
        self._join(subscription)
        return subscription

    def _join(self, subscription: Subscription[Any]) -> None:
        if self._connection:
            self._connection.add(subscription)

    async def _leave(self, subscription: Subscription[Any]) -> None:
        if self._subscriptions.get(subscription.topic) is subscription:
            del self._subscriptions[subscription.topic]
        if self._connection:
            self._connection.remove(subscription)

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except RealtimeError as error:
            self._error = error
        except Exception as error:
            self._error = RealtimeError(f"the client broke: {error!r}")
            self._error.__cause__ = error
            raise
        finally:
            for subscription in self._subscriptions.values():
                subscription.end(self._error)
            self._subscriptions.clear()
            self._on_state(State("closed", str(self._error or "")))

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            self._on_state(State("connecting"))
            self._opened_at = None
            ended = await self._connect()
            self._decide(ended)
            lived = time.monotonic() - (self._opened_at or time.monotonic())
            if lived >= self._timing.stable_after:
                attempt = 0
            if not ended.at_once:
                await self._wait(attempt, ended.reason)
                attempt += 1

    async def _connect(self) -> EndedError:
        """Live through one connection, and return how it ended."""
        try:
            opening = await self._credentials.opening(self._url)
        except RealtimeError:
            raise
        except Exception as error:
            return EndedError(f"no credentials: {error!r}")
        try:
            async with self._open(opening.url, opening.headers) as socket:
                self._opened_at = time.monotonic()
                self._refusals = 0
                self._on_state(State("connected"))
                return await self._serve(socket, opening.ends_at)
        except InvalidStatus as refused:
            status = refused.response.status_code
            self._refusals += _is_about_credentials(status)
            # A token may have ended on its way: a provider is asked for another, once.
            if self._refusals > self._credentials.can_change:
                raise CredentialsError("the server refuses these credentials") from None
            return EndedError(f"the handshake was answered with {status}")
        except InvalidURI as error:
            raise RealtimeError(f"{self._url} is no address of a WebSocket API") from error
        except (OSError, WebSocketException) as error:
            return EndedError(str(error) or repr(error))

    def _open(self, url: str, headers: dict[str, str]) -> connect:
        return connect(
            url,
            additional_headers=headers,
            open_timeout=self._timing.open_within,
            # Ours say more: they go through to the function that answers.
            ping_interval=None,
            close_timeout=1,
            # Frames have at most 31 KiB: what waits in the library is bounded too.
            max_queue=4,
            logger=_wire_log,
        )

    async def _serve(self, socket: ClientConnection, ends_at: float | None) -> EndedError:
        connection = Connection(socket, self._timing, ends_at)
        self._connection = connection
        wanted = [each for each in self._subscriptions.values() if each.wanted]
        try:
            return await connection.serve(wanted, self._credentials.token_provider)
        finally:
            self._connection = None
            await socket.close()

    def _decide(self, ended: EndedError) -> None:
        """Raise what reconnecting does not mend."""
        if ended.code == _ABUSE:
            raise AbuseError(ended.reason)
        if ended.code == _TOKEN_IS_OVER and not self._credentials.can_change:
            raise CredentialsError(ended.reason)
        _log.info("connecting again: %s", ended.reason)

    async def _wait(self, attempt: int, reason: str) -> None:
        seconds = pause(attempt, self._timing.first_wait, self._timing.longest_wait)
        self._on_state(State("waiting", reason, seconds))
        await asyncio.sleep(seconds)


def _is_about_credentials(status: int) -> bool:
    """
    Tell whether a refused handshake is about the credentials.

    Raises
    ------
    HandshakeError
        If it is about something else that stays as it is.
    """
    if status in {401, 403}:
        return True
    if status < 500 and status not in _MAY_PASS:
        raise HandshakeError(status)
    return False
