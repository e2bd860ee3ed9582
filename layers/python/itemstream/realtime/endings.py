"""Endings: connections are closed when their time is over, with a last frame that says why."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from itemstream.dead_letters import Refused
from itemstream.realtime.server_frames import CloseCode, closing
from itemstream.realtime.sockets import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.realtime.connections import Connection, ConnectionRepository
    from itemstream.realtime.deliveries import Run
    from itemstream.realtime.queues import Endings
    from itemstream.realtime.sockets import Sockets

__all__ = ["Closer", "Ending", "read_ending"]


@dataclass(frozen=True, slots=True)
class Ending:
    """
    A connection that is to be closed in its time.

    Parameters
    ----------
    connection_id
        Which.
    at_once
        Whether it is closed even if its time is not over.
    """

    connection_id: str
    at_once: bool = False


class Closer:
    """
    Closes connections.

    Parameters
    ----------
    connections
        Where they are kept.
    sockets
        How frames reach clients.
    endings
        Whom to ask to look again.
    run
        Calls what waits for an answer.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        connections: ConnectionRepository,
        sockets: Sockets,
        endings: Endings,
        *,
        run: Run = asyncio.to_thread,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._connections = connections
        self._sockets = sockets
        self._endings = endings
        self._run = run
        self._clock = clock

    async def end(self, ending: Ending) -> bool:
        """
        Close a connection if its time is over, or have it looked at again.

        Returns
        -------
        bool
            Whether it was closed now.

        Raises
        ------
        DependencyUnavailable
            It may still be open: the message has to come again.
        """
        connection: Connection | None = await self._run(
            self._connections.find, ending.connection_id
        )
        if connection is None:
            return False
        left = connection.ends_at - self._clock()
        if left > 0 and not ending.at_once:
            # It may end later than whoever sent this message knew, and a message waits for 15
            # minutes at most.
            await self._run(self._endings.ask, connection.id, delay=ceil(left))
            return False
        frame = _last_frame(connection, at_once=ending.at_once)
        if await self._sockets.post(connection.id, frame) is not Outcome.GONE:
            await self._sockets.close(connection.id)
        await self._run(self._connections.remove, connection.id)
        return True


def _last_frame(connection: Connection, *, at_once: bool) -> bytes:
    if at_once:
        return closing(CloseCode.ABUSE)
    if connection.ends_by == "token":
        return closing(CloseCode.TOKEN_ENDED)
    return closing(CloseCode.AGE)


def read_ending(body: str) -> Ending:
    """
    Read the message that asks for an ending.

    Raises
    ------
    Refused
        It is no such message.
    """
    try:
        said = json.loads(body)
        return Ending(str(said["connection_id"]), at_once=said.get("at_once", False) is True)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"not a request for an ending: {type(error).__name__} {error}") from error
