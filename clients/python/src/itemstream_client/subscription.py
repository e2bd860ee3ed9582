"""One topic's events, as their reader sees them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from itemstream_client.errors import RealtimeError
from itemstream_client.events import Event, Reset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

__all__ = ["Subscription"]

Item = TypeVar("Item", bound=Event | Reset)


class Subscription(Generic[Item]):
    """
    The events of one topic, in the order of the log, each once: an asynchronous iterator.

    Made by :meth:`RealtimeClient.subscribe`. As an asynchronous context manager it unsubscribes at
    the end; leaving the client does so too.
    """

    def __init__(
        self,
        topic: str,
        after: str | None,
        room: int,
        on_reset: Callable[[Reset], Awaitable[None]] | None,
        leave: Callable[[Subscription[Any]], Awaitable[None]],
        rejoin: Callable[[Subscription[Any]], None],
    ) -> None:
        self.topic = topic
        self._room = room
        self._on_reset = on_reset
        self._leave = leave
        self._rejoin = rejoin
        self._received = after
        self._read = after
        self._items: deque[Event | Reset] = deque()
        self._changed = asyncio.Event()
        self._drained = asyncio.Event()
        self._started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ended = False
        self._error: Exception | None = None
        self._let_go = False
        self._count = 0

    @property
    def cursor(self) -> str | None:
        """Where the reader is: what to subscribe ``after`` to go on from here."""
        return self._read

    async def started(self) -> str:
        """
        Wait until the server has confirmed the subscription.

        Returns
        -------
        str
            A cursor: every event after it will come. What is read over REST from now on holds all
            up to it.
        """
        return await asyncio.shield(self._started)

    async def aclose(self) -> None:
        """Unsubscribe; what has been received can still be read."""
        if not self._ended:
            self.end(None)
            await self._leave(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while True:
            while not self._items:
                if self._ended:
                    raise self._error or StopAsyncIteration
                self._changed.clear()
                await self._changed.wait()
            item = self._items.popleft()
            self._count += 1
            self._read = item.cursor
            self._make_room()
            if isinstance(item, Reset) and self._on_reset:
                await self._on_reset(item)
            else:
                return cast("Item", item)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    # --- What the connection tells ---------------------------------------------------------------

    @property
    def position(self) -> str | None:
        """Where the next connection has to go on: after what has been received."""
        return self._received

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def wanted(self) -> bool:
        """Whether the server is to send its events now."""
        return not self._ended and not self._let_go

    @property
    def full(self) -> bool:
        """Whether the reader has to read before more may come."""
        return len(self._items) >= self._room

    def confirm(self, cursor: str) -> None:
        """Note that the server will send all events after ``cursor``."""
        # Events may have come before this: then it is they that say where the reader is.
        if self._received is None:
            self._received = self._read = cursor
        if not self._started.done():
            self._started.set_result(cursor)

    def take(self, events: list[Event]) -> None:
        """Take events for the reader; those that it has had are left out."""
        for event in events:
            # Cursors have one length, so that texts sort as the places do.
            if self._received is None or event.cursor > self._received:
                self._received = event.cursor
                self._items.append(event)
        self._changed.set()

    def reset(self, reset: Reset) -> None:
        """Tell the reader of a gap."""
        self._received = reset.cursor
        self._items.append(reset)
        self._changed.set()

    def end(self, error: Exception | None) -> None:
        """Let the reader stop, once it has read what is there."""
        self._ended = True
        self._error = error
        if not self._started.done():
            self._started.set_exception(error or RealtimeError("the subscription was closed"))
            # Nobody need have waited for it.
            self._started.exception()
        self._changed.set()
        self._drained.set()

    async def has_room(self, patience: float) -> bool:
        """Wait for the reader; False says that it stood still for ``patience`` seconds."""
        while self.full and not self._ended:
            count = self._count
            self._drained.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._drained.wait()
            except TimeoutError:
                if self._count == count:
                    return False
        return True

    def let_go(self) -> None:
        """Take nothing more until the reader has read what is there."""
        self._let_go = True

    def _make_room(self) -> None:
        if len(self._items) > self._room // 2:
            return
        self._drained.set()
        if self._let_go and not self._ended:
            self._let_go = False
            self._rejoin(self)
