"""The times that the client keeps, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """
    The times that the client keeps, in seconds; the defaults fit API Gateway.

    Parameters
    ----------
    open_within
        How long a handshake may take.
    ping_every
        How often the client pings; API Gateway closes a socket that was idle for ten minutes.
    pong_within
        How long a server may be silent after a ping before it is taken for dead.
    answer_within
        How long an answer may take before the request is sent again.
    first_wait, longest_wait
        Bounds of the pauses between attempts: the n-th is a random part of ``first_wait`` times
        2 to the n, and of ``longest_wait`` at the most.
    stable_after
        A connection that lived so long makes the next pause short again.
    renew_before
        How long before a token ends the client authenticates with a fresh one.
    patience
        How long a reader may stand still, its buffer full, before its topic is let go until it
        reads on.
    """

    open_within: float = 10.0
    ping_every: float = 270.0
    pong_within: float = 15.0
    answer_within: float = 10.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    stable_after: float = 5.0
    renew_before: float = 60.0
    patience: float = 10.0
