"""Sockets in memory: what was posted to whom, and what becomes of it as a test says."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.sockets import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable


class InMemorySockets:
    """See :class:`itemstream.realtime.sockets.Sockets`."""

    def __init__(self) -> None:
        self.posted: defaultdict[str, list[bytes]] = defaultdict(list)
        self.closed: list[str] = []
        # What becomes of posts to a connection; where nothing is said they are delivered.
        self.outcomes: dict[str, Outcome | Exception] = {}
        # Until when a connection does not take its frame.
        self.waits: dict[str, Callable[[], bool]] = {}
        # What was said of the last post to a connection.
        self.patience: dict[str, float | None] = {}
        self.most_at_once = 0
        self.cannot_close = False
        self._delivered = asyncio.Condition()
        self._now = 0
        self._room: dict[str, int] = {}

    def take(self, connection_id: str, *, frames: int) -> None:
        """Have a connection take so many frames, and no more."""
        self._room[connection_id] = frames

    async def post(
        self, connection_id: str, frame: bytes, *, patience: float | None = None
    ) -> Outcome:
        self.patience[connection_id] = patience
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        if waits := self.waits.get(connection_id):
            async with self._delivered:
                await self._delivered.wait_for(waits)
        self._now -= 1
        outcome = self.outcomes.get(connection_id, Outcome.DELIVERED)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is Outcome.DELIVERED and connection_id in self._room:
            if not self._room[connection_id]:
                return Outcome.FAILED
            self._room[connection_id] -= 1
        if outcome is Outcome.DELIVERED:
            self.posted[connection_id].append(frame)
            async with self._delivered:
                self._delivered.notify_all()
        return outcome

    async def close(self, connection_id: str) -> None:
        if self.cannot_close:
            raise DependencyUnavailable("API Gateway")
        self.closed.append(connection_id)

    def frames(self, connection_id: str) -> list[dict[str, Any]]:
        """Return what a connection got."""
        return [json.loads(frame) for frame in self.posted.get(connection_id, [])]

    def events(self, connection_id: str) -> list[dict[str, Any]]:
        """Return the events that a connection got."""
        return [e for frame in self.frames(connection_id) for e in frame.get("events", ())]
