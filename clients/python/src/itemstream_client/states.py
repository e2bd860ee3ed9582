"""How the connection is, for whoever shows it to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """
    How the connection is.

    Parameters
    ----------
    name
        ``connecting``, ``connected``, ``waiting`` to connect again, or ``closed``.
    reason
        Why it waits, or why it is closed.
    seconds
        How long it waits.
    """

    name: Literal["connecting", "connected", "waiting", "closed"]
    reason: str = ""
    seconds: float = 0.0
