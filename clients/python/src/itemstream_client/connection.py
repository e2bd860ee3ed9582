"""The life of one socket: what is sent, what comes, and what ends it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

from itemstream_client import frames
from itemstream_client.credentials import expiry_of
from itemstream_client.errors import ProblemError
from itemstream_client.events import Reset
from itemstream_client.frames import Authenticated, Closing, Events, Refused, Subscribed
from itemstream_client.pace import Pace, pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from websockets.asyncio.client import ClientConnection

    from itemstream_client.credentials import Provider
    from itemstream_client.frames import Frame
    from itemstream_client.subscription import Subscription
    from itemstream_client.timing import Timing

__all__ = ["Connection", "EndedError"]

_log = logging.getLogger("itemstream_client")

# What RFC 6455 calls a connection that was closed without a word.
_LOST = 1006
# The server knows this connection no more, whatever is asked.
_GONE = 410
_NO_LONGER_PERMITTED = {
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
    "detail": "The new token does not permit this topic.",
}


class EndedError(Exception):
    """
    The socket is over.

    Parameters
    ----------
    reason
        Why, for people.
    code
        The server's closing code, if it gave one.
    at_once
        Whether to connect again without a pause, because the client itself wants another socket.
    """

    def __init__(self, reason: str, code: int = _LOST, *, at_once: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.at_once = at_once


class Connection:
    """
    One open socket, which serves subscriptions until it ends.

    A topic is subscribed to once on a socket: late events of an earlier subscription would pass
    for those of the later one. Whoever wants a topic again gets another socket.
    """

    def __init__(self, socket: ClientConnection, timing: Timing, ends_at: float | None) -> None:
        self._socket = socket
        self._timing = timing
        self._ends_at = ends_at
        self._subscriptions: dict[str, Subscription[Any]] = {}
        self._used: set[str] = set()
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._authenticated: asyncio.Future[Authenticated] | None = None
        self._confirmed: set[str] = set()
        # Those that were confirmed before a new token was handed in.
        self._at_stake: set[str] = set()
        self._pace = Pace()
        self._heard = asyncio.Event()
        self._held_up = False
        self._tasks = asyncio.TaskGroup()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(
        self, subscriptions: Iterable[Subscription[Any]], token_provider: Provider | None
    ) -> EndedError:
        """Serve until the socket is over, and return how it ended."""
        try:
            async with self._tasks:
                self._tasks.create_task(self._receive())
                self._tasks.create_task(self._ping())
                self._tasks.create_task(self._watch_over())
                if token_provider:
                    self._tasks.create_task(self._renew(token_provider))
                for subscription in subscriptions:
                    self.add(subscription)
        except* EndedError as group:
            # What a closing server said tells more than the socket that it closed.
            ends = [end for end in group.exceptions if isinstance(end, EndedError)]
            ended = min(ends, key=lambda end: end.code == _LOST)
        finally:
            self._over.cancel()
        return ended

    def add(self, subscription: Subscription[Any]) -> None:
        """Subscribe, on another socket if this one had the topic before."""
        if self._over.done():
            return
        if subscription.topic in self._used:
            self.end(EndedError("a topic was subscribed to again", at_once=True))
            return
        self._used.add(subscription.topic)
        self._subscriptions[subscription.topic] = subscription
        self._tasks.create_task(self._subscribe(subscription))

    def remove(self, subscription: Subscription[Any]) -> None:
        """Unsubscribe; nobody waits for the answer."""
        if self._subscriptions.get(subscription.topic) is subscription and not self._over.done():
            del self._subscriptions[subscription.topic]
            self._confirmed.discard(subscription.topic)
            self._tasks.create_task(self._unsubscribe(subscription.topic))

    def end(self, ended: EndedError) -> None:
        """Make the socket be over."""
        if not self._over.done():
            self._over.set_exception(ended)

    async def _watch_over(self) -> None:
        await self._over

    async def _send(self, text: str) -> None:
        await self._pace.turn()
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise _ended(closed) from None

    # --- What comes ------------------------------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            try:
                text = await self._socket.recv()
            except ConnectionClosed as closed:
                raise _ended(closed) from None
            self._heard.set()
            try:
                frame = frames.read(text)
            except frames.MalformedFrameError as malformed:
                # It may have held events: the next socket goes on from the cursors.
                raise EndedError(str(malformed)) from None
            await self._handle(frame)

    async def _handle(self, frame: Frame) -> None:
        match frame:
            case Events(topic, events):
                if subscription := self._subscriptions.get(topic):
                    subscription.take(events)
                    await self._hold_up(subscription)
            case Reset(topic):
                if subscription := self._subscriptions.get(topic):
                    subscription.reset(frame)
            case Subscribed(topic, cursor):
                if subscription := self._subscriptions.get(topic):
                    self._confirmed.add(topic)
                    subscription.confirm(cursor)
                    self._answer(topic, None)
            case Refused():
                self._refused(frame)
            case Authenticated():
                self._permit(frame.topics)
                if self._authenticated and not self._authenticated.done():
                    self._authenticated.set_result(frame)
            case Closing(code, reason):
                raise EndedError(reason or f"the server closes with {code}", code)

    async def _hold_up(self, subscription: Subscription[Any]) -> None:
        """Read no more from the socket while a reader has no room."""
        if not subscription.full:
            return
        self._held_up = True
        try:
            has_room = await subscription.has_room(self._timing.patience)
        finally:
            self._held_up = False
            self._heard.set()
        if not has_room:
            subscription.let_go()
            self.remove(subscription)

    def _refused(self, refused: Refused) -> None:
        error = refused.problem
        if error.status == _GONE:
            raise EndedError(str(error))
        if refused.action == "authenticate":
            if self._authenticated and not self._authenticated.done():
                self._authenticated.set_exception(error)
        elif refused.topic in self._answers:
            self._answer(refused.topic, error)
        else:
            _log.warning("the server reports a problem: %s", error)

    def _answer(self, topic: str, error: ProblemError | None) -> None:
        answer = self._answers.get(topic)
        if answer is None or answer.done():
            return
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(None)

    def _permit(self, topics: list[str]) -> None:
        """End the subscriptions that a new token does not permit."""
        for topic in self._at_stake.intersection(self._confirmed).difference(topics):
            self._confirmed.discard(topic)
            self._subscriptions.pop(topic).end(ProblemError(_NO_LONGER_PERMITTED))

    # --- What is sent ----------------------------------------------------------------------------

    async def _subscribe(self, subscription: Subscription[Any]) -> None:
        """Ask for a topic until there is an answer: a lost one costs repeats, and no event."""
        topic, attempt = subscription.topic, 0
        while self._subscriptions.get(topic) is subscription:
            answer = self._answers[topic] = asyncio.get_running_loop().create_future()
            await self._send(frames.subscribe(topic, subscription.position))
            try:
                async with asyncio.timeout(self._timing.answer_within):
                    await answer
            except TimeoutError:
                _log.info("no answer for the topic %s: asking again", topic)
            except ProblemError as problem:
                if not problem.may_pass:
                    self._subscriptions.pop(topic, None)
                    subscription.end(problem)
                    return
                _log.info("the topic %s is refused for now: %s", topic, problem)
                wait = pause(attempt, self._timing.first_wait, self._timing.longest_wait)
                await asyncio.sleep(problem.retry_after + wait)
            else:
                return
            attempt += 1

    async def _unsubscribe(self, topic: str) -> None:
        # Messages may overtake each other on their way through the server.
        if topic in self._answers:
            await asyncio.wait([self._answers[topic]], timeout=self._timing.answer_within)
        await self._send(frames.unsubscribe(topic))

    async def _ping(self) -> None:
        """Keep the socket open, and find out that the other side is gone."""
        while True:
            await asyncio.sleep(self._timing.ping_every)
            self._heard.clear()
            await self._send(frames.ping())
            while not await self._hears():
                # The answer may stand behind what the reader has no room for.
                if not self._held_up:
                    raise EndedError("the server does not answer")

    async def _hears(self) -> bool:
        try:
            async with asyncio.timeout(self._timing.pong_within):
                await self._heard.wait()
        except TimeoutError:
            return False
        return True

    async def _renew(self, token_provider: Provider) -> None:
        """Hand in a fresh token before the old one ends, as long as that moves the end."""
        ends_at = self._ends_at
        while ends_at and (left := ends_at - time.time()) > 1:
            # A provider that still has the old token is asked again, ever closer to its end.
            before = self._timing.renew_before
            await asyncio.sleep(left - before if left > 2 * before else left / 2)
            renewed = await self._renewed(token_provider, ends_at)
            if renewed is not None and renewed <= ends_at:
                return
            ends_at = renewed or ends_at

    async def _renewed(self, token_provider: Provider, ends_at: float) -> float | None:
        """Return the connection's new end; None if there is no fresh token, or it is refused."""
        try:
            token = await token_provider()
            if (expiry_of(token) or ends_at + 1) <= ends_at:
                return None
            self._authenticated = asyncio.get_running_loop().create_future()
            self._at_stake = set(self._confirmed)
            await self._send(frames.authenticate(token))
            async with asyncio.timeout(self._timing.answer_within):
                return (await self._authenticated).ends_at
        except EndedError:
            raise
        except Exception as error:
            _log.warning("the token could not be renewed: %r", error)
            return None


def _ended(closed: ConnectionClosed) -> EndedError:
    if closed.rcvd is None:
        return EndedError("the connection was lost")
    reason = closed.rcvd.reason or f"the server closed with {closed.rcvd.code}"
    return EndedError(reason, closed.rcvd.code)
