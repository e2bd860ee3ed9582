"""What a check finds, and what is known of the parts after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SEVERITY", "Finding", "Health", "Measurement", "PartHealth", "State", "Status"]

# How a part was found.
State = Literal["up", "degraded", "down"]
# What is said of it: a new part that was not found well is unknown until that has lasted.
Status = Literal["up", "degraded", "down", "unknown"]

SEVERITY: dict[str, int] = {"up": 0, "degraded": 1, "down": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What asking a part came to.

    Parameters
    ----------
    state
        How it is.
    reason
        Why it is not up, for operators to read: no address, no secret, no text of strangers.
    latency_ms
        How long it took, in milliseconds; ``None`` for as long as the asking did.
    """

    state: State
    reason: str | None = None
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """A part as one check found it; see :class:`Finding`."""

    part: str
    state: State
    latency_ms: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PartHealth:
    """
    A part as it is known to be.

    Parameters
    ----------
    status
        What lasted.
    since
        When the first check found it so, in ISO 8601.
    checked_at, latency_ms, reason
        The last check: when, how long the part took, and why it was not found up.
    recent
        What the last checks found, the oldest first, each with its time: as many as a change has
        to last.
    """

    status: Status
    since: str
    checked_at: str
    latency_ms: int
    reason: str | None
    recent: tuple[tuple[State, str], ...]


@dataclass(frozen=True, slots=True)
class Health:
    """
    All parts after a check.

    Parameters
    ----------
    checked_at
        When the check began, in ISO 8601 with milliseconds: texts sort as the times do.
    parts
        By name.
    """

    checked_at: str
    parts: dict[str, PartHealth]
