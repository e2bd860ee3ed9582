"""Raw clients of the WebSocket API: every frame, in both directions, is held to its schema."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.frame_contract import validated
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

    from tests.local_stack import LocalStack


@dataclass
class Socket:
    """One connection, and what came over it."""

    connection: ClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False

    def send(self, action: str, **members: Any) -> None:
        text = json.dumps({"action": action, **members})
        validated(text)
        self.connection.send(text)

    def send_raw(self, frame: str | bytes) -> None:
        self.connection.send(frame)

    def hear(self) -> list[dict[str, Any]]:
        """Take what has come by now; return all that ever came."""
        while not self.closed:
            try:
                self.frames.append(_frame(self.connection.recv(timeout=0)))
            except TimeoutError:
                break
            except ConnectionClosed:
                self.closed = True
        return self.frames

    def heard(
        self, kind: str, *, number: int = 1, within: float = 20, **members: Any
    ) -> dict[str, Any]:
        """Wait for the nth frame of a type with these members."""

        def look() -> dict[str, Any] | None:
            found = [
                frame
                for frame in self.hear()
                if frame["type"] == kind and members.items() <= frame.items()
            ]
            return found[number - 1] if len(found) >= number else None

        found = eventually(look, within=within, what=f"{kind} {members} among {self.frames[-5:]}")
        assert found is not None
        return found

    def subscribe(self, topic: str, **members: Any) -> str:
        """Subscribe, again if a busy machine asks for it, and return the promised cursor."""
        known = len(self.hear())
        self.send("subscribe", topic=topic, **members)

        def answer() -> dict[str, Any] | None:
            nonlocal known
            for frame in self.hear()[known:]:
                known += 1
                if frame["type"] == "subscribed" and frame["topic"] == topic:
                    return frame
                if frame["type"] == "error" and frame.get("topic", topic) == topic:
                    assert frame["problem"]["status"] in {429, 500, 503}, frame
                    time.sleep(frame["problem"].get("retry_after", 1))
                    self.send("subscribe", topic=topic, **members)
            assert not self.closed
            return None

        found = eventually(answer, within=60, what=f"an answer to subscribe {topic}")
        assert found is not None
        return str(found["cursor"])

    def problem(self, number: int = 1) -> dict[str, Any]:
        """Wait for the nth error and return its problem."""
        return dict(self.heard("error", number=number)["problem"])

    def events(self, topic: str) -> list[dict[str, Any]]:
        """Return the events of a topic that came by now, as they came."""
        return [
            event
            for frame in self.hear()
            if frame["type"] == "events" and frame["topic"] == topic
            for event in frame["events"]
        ]

    def event(self, topic: str, kind: str, subject: str, within: float = 30) -> dict[str, Any]:
        """Wait for an event."""

        def look() -> dict[str, Any] | None:
            for event in self.events(topic):
                if (event["type"], event["subject"]) == (kind, subject):
                    return event
            return None

        found = eventually(look, within=within, what=f"{kind} of {subject}")
        assert found is not None
        return found

    def ended(self, within: float = 20) -> bool:
        """Wait until the server has closed the connection."""
        return bool(
            eventually(lambda: self.hear() is not None and self.closed, within=within, what="end")
        )

    def cut(self) -> None:
        """Break the connection off without a word."""
        self.connection.socket.close()


def _frame(text: str | bytes) -> dict[str, Any]:
    frame = json.loads(text)
    if set(frame) == {"message", "connectionId", "requestId"}:
        # The gateway's own, for a function that it could not call.
        return {"type": "error", "problem": {"status": 500, "detail": frame["message"]}}
    return validated(text)


@contextmanager
def connected(
    stack: LocalStack, token: str = "", *, ticket: str = "", patient: bool = False
) -> Iterator[Socket]:
    """Connect with a token in the header or a ticket in the address.

    `patient` is who tries again when the machine is too busy to answer a handshake.
    """
    address = str(stack.status["websocket_url"]) + (f"?ticket={ticket}" if ticket else "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def opened() -> ClientConnection | None:
        try:
            return connect(
                address,
                additional_headers=headers,
                open_timeout=30,
                close_timeout=2,
                max_size=2**20,
            )
        except InvalidStatus as refused:
            if patient and refused.response.status_code >= 500:
                return None
            raise

    connection = eventually(opened, within=60, every=0.5, what="an open connection")
    assert connection is not None
    with connection:
        yield Socket(connection)


def first_seen(events: list[dict[str, Any]]) -> list[str]:
    """Return the sequences of events without their repeats, which must be equal to the first."""
    seen: dict[str, dict[str, Any]] = {}
    for event in events:
        assert seen.setdefault(event["sequence"], event) == event
    return list(seen)


def rows_of_connections(stack: LocalStack, connection_ids: set[str] | None = None) -> list[str]:
    """Return the keys of what is known of connections, or of these."""
    pages = stack.client("dynamodb").get_paginator("scan")
    return [
        f"{row['pk']['S']} {row['sk']['S']}"
        for page in pages.paginate(TableName=stack.table("connections"), ConsistentRead=True)
        for row in page["Items"]
        if row["pk"]["S"].startswith(("connection#", "topic#"))
        and (
            connection_ids is None
            or row["sk"]["S"] in connection_ids
            or row["pk"]["S"].partition("#")[2] in connection_ids
        )
    ]
