"""Sockets: how frames reach clients. A port; API Gateway's management endpoint is beside it."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

__all__ = ["Outcome", "Sockets"]


class Outcome(Enum):
    """What became of a frame."""

    DELIVERED = "delivered"
    """The gateway has taken it for the client."""
    GONE = "gone"
    """There is no such connection any more, and never will be again."""
    FAILED = "failed"
    """It is not known to have arrived, and more patience is not worth it now."""


class Sockets(Protocol):
    """The open connections of clients."""

    async def post(
        self, connection_id: str, frame: bytes, *, patience: float | None = None
    ) -> Outcome:
        """
        Send a frame; what fails in passing is tried again for a few seconds.

        Parameters
        ----------
        connection_id
            Whose.
        frame
            What to send.
        patience
            For how many seconds in all, where others wait.
        """
        ...

    async def close(self, connection_id: str) -> None:
        """
        Close a connection; one that is gone already is fine.

        Raises
        ------
        DependencyUnavailable
            It may still be open.
        """
        ...
