"""A server that speaks the protocol of the WebSocket API, and misbehaves when it is told to."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from itemstream.realtime.server_frames import CloseCode
from tests.frame_contract import faults_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.http11 import Request, Response


# What happens in each topic.
KINDS = {"items": "item.updated", "calls": "call.recorded"}


def cursor(sequence: int) -> str:
    return f"{sequence:020d}"


def problem(status: int) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": "So it was told.",
        "instance": "urn:itemstream:message:1",
    }


@dataclass
class Connection:
    """One socket, seen from the server."""

    socket: ServerConnection
    credentials: str
    received: list[dict[str, Any]] = field(default_factory=list)
    # What the topic's subscriber has been sent.
    topics: dict[str, int] = field(default_factory=dict)
    is_open: bool = True
    # Answers no ping.
    is_mute: bool = False
    # What was not as the committed schemas say, in either direction.
    faults: list[str] = field(default_factory=list)

    def actions(self, action: str) -> list[dict[str, Any]]:
        return [frame for frame in self.received if frame["action"] == action]

    async def send(self, *frames: dict[str, Any] | str) -> None:
        """Send frames; a text may be anything, the others are as the service's."""
        for frame in frames:
            self.faults += [] if isinstance(frame, str) else faults_of(frame)
            await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def events(self, topic: str, *events: dict[str, Any]) -> None:
        last = events[-1]["sequence"]
        await self.send({"type": "events", "topic": topic, "cursor": last, "events": list(events)})

    async def closing(self, code: int) -> None:
        """Close as the service does: the frame says why, the socket's own code does not."""
        frame = {"type": "closing", "code": code, "reason": f"reason {code}"}
        # A code of a later version is in no schema.
        await self.send(frame if code in set(CloseCode) else json.dumps(frame))
        await self.socket.close()

    def drop(self) -> None:
        """Cut the line, without a word."""
        self.socket.transport.abort()


@dataclass
class StandIn:
    """
    A log and its subscribers.

    Parameters
    ----------
    log
        The events, oldest first; the sequence of each is its place, from 1.
    topics
        The topic of each event, by its id.
    oldest
        The first that the log still holds.
    refusals
        Statuses for the next handshakes; 0 lets one through.
    answers
        What the next frames with an action are answered by, in place of the usual.
    """

    url: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)
    topics: dict[str, str] = field(default_factory=dict)
    oldest: int = 1
    refusals: deque[int] = field(default_factory=deque)
    answers: dict[str, deque[Any]] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    handshakes: list[str] = field(default_factory=list)
    token_ends_at: float = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    # --- What scenarios do -----------------------------------------------------------------------

    def append(self, topic: str = "items", count: int = 1, **more: Any) -> list[dict[str, Any]]:
        """Add events to the log, and send them to nobody."""
        added = []
        for _ in range(count):
            sequence = len(self.log) + 1
            kind = KINDS[topic.partition("/")[0]]
            event = {
                "specversion": "1.0",
                "id": f"e{sequence}",
                "source": f"/itemstream/{kind.partition('.')[0]}s",
                "type": kind,
                "subject": topic.partition("/")[2] or "subject",
                "time": "2026-01-01T00:00:00.000Z",
                "tenant": "demo",
                "sequence": cursor(sequence),
                "datacontenttype": "application/json",
                "dataschema": f"urn:itemstream:schema:{kind}:1",
                "data": {"id": "subject"},
                **more,
            }
            self.log.append({name: value for name, value in event.items() if value is not None})
            self.topics[event["id"]] = topic
            added.append(self.log[-1])
        return added

    async def publish(self, topic: str = "items", count: int = 1, **more: Any) -> None:
        """Add events to the log, and send each to the subscribers of its topic."""
        self.append(topic, count, **more)
        for connection in self.connections:
            for subscribed, after in connection.topics.items():
                if subscribed == topic and connection.is_open:
                    await self._catch_up(connection, topic, after)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that clients do."""
        async with asyncio.timeout(15):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def subscribed(self, topic: str = "items", connection: int = 0) -> Connection:
        """Wait until a connection, counted from 0, has subscribed to a topic."""
        await self.until(
            lambda: (
                len(self.connections) > connection and topic in self.connections[connection].topics
            )
        )
        return self.connections[connection]

    async def heard(self, action: str, count: int = 1, connection: int = 0) -> None:
        """Wait until a connection has sent so many frames with an action."""
        await self.until(
            lambda: (
                len(self.connections) > connection
                and len(self.connections[connection].actions(action)) >= count
            )
        )

    def answer_once(self, action: str, answer: Any) -> None:
        """Answer one frame, in order, by a coroutine of the connection and the frame."""
        self.answers.setdefault(action, deque()).append(answer)

    # --- What the service does -------------------------------------------------------------------

    async def _accept(self, socket: ServerConnection, request: Request) -> Response | None:
        query = parse_qs(urlsplit(request.path).query)
        credentials = request.headers.get("Authorization", "").removeprefix("Bearer ")
        credentials = credentials or "".join(query.get("ticket", []))
        self.handshakes.append(credentials)
        self._changed.set()
        status = self.refusals.popleft() if self.refusals else 0
        return socket.respond(status, "") if status else None

    async def _serve(self, socket: ServerConnection) -> None:
        connection = Connection(socket, self.handshakes[-1])
        self.connections.append(connection)
        self._changed.set()
        try:
            async for text in socket:
                frame = json.loads(text)
                connection.received.append(frame)
                connection.faults += faults_of(frame)
                special = self.answers.get(frame["action"])
                answer = special.popleft() if special else getattr(self, f"_{frame['action']}")
                await answer(connection, frame)
                self._changed.set()
        except ConnectionClosed:
            pass
        finally:
            connection.is_open = False
            self._changed.set()

    async def _subscribe(self, connection: Connection, frame: dict[str, Any]) -> None:
        topic = frame["topic"]
        after = int(frame.get("after", len(self.log)))
        reset = after > len(self.log) or after < self.oldest - 1
        # The service answers and replays side by side; here the answer is the first.
        await connection.send({"type": "subscribed", "topic": topic, "cursor": cursor(after)})
        if reset:
            after = len(self.log)
            await connection.send({"type": "reset", "topic": topic, "cursor": cursor(after)})
        await self._catch_up(connection, topic, after)

    async def _catch_up(self, connection: Connection, topic: str, after: int) -> None:
        missed = [event for event in self.log[after:] if self.topics[event["id"]] == topic]
        connection.topics[topic] = len(self.log)
        for first in range(0, len(missed), 10):
            await connection.events(topic, *missed[first : first + 10])

    async def _unsubscribe(self, connection: Connection, frame: dict[str, Any]) -> None:
        connection.topics.pop(frame["topic"], None)
        await connection.send({"type": "unsubscribed", "topic": frame["topic"]})

    async def _ping(self, connection: Connection, frame: dict[str, Any]) -> None:
        if not connection.is_mute:
            await connection.send({"type": "pong"})

    async def _authenticate(self, connection: Connection, frame: dict[str, Any]) -> None:
        ends_at = datetime.fromtimestamp(self.token_ends_at or time.time() + 3600, UTC)
        await connection.send(
            {
                "type": "authenticated",
                "expires_at": ends_at.isoformat(),
                "topics": list(connection.topics),
            }
        )


@asynccontextmanager
async def standing_in() -> AsyncIterator[StandIn]:
    """Serve on a free port of this machine."""
    server = StandIn()
    async with serve(
        server._serve,
        "127.0.0.1",
        0,
        process_request=server._accept,
        # As API Gateway.
        compression=None,
        close_timeout=1,
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/v1"
        yield server
    faults = {fault for connection in server.connections for fault in connection.faults}
    assert not faults, faults
