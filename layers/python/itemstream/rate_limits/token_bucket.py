"""A token bucket of which one number is kept: the time at which it will be full again.

Each request takes one token, and tokens come back evenly. A bucket that lacks more than it holds
has none to give. A bucket that nobody has touched for long enough is full, so nothing need be kept
of it. (The generic cell rate algorithm in its virtual scheduling form: ITU-T I.371.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["RateLimit", "Standing", "TokenBuckets"]

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """
    So many requests at once; an allowance that is used up comes back evenly in so many seconds.

    Parameters
    ----------
    name
        What clients know it by.
    requests
        The most at once, 1 or more.
    seconds
        In which an empty bucket is full again, 1 or more.
    """

    name: str
    requests: int
    seconds: int

    @property
    def interval(self) -> int:
        """Microseconds in which one token comes back; rounded up, so that it is never sooner."""
        return -(-self.seconds * MICROSECONDS // self.requests)

    @property
    def window(self) -> int:
        """Microseconds in which an empty bucket is full again."""
        return self.interval * self.requests


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How a tenant stands after it has asked for a token.

    Parameters
    ----------
    limit
        What it is held to.
    taken
        Whether it got the token.
    missing
        Microseconds until its bucket is full.
    """

    limit: RateLimit
    taken: bool
    missing: int

    @property
    def remaining(self) -> int:
        """How many requests it has left."""
        return self._filled // self.limit.interval

    @property
    def next_token_seconds(self) -> int:
        """Whole seconds, rounded up, until it has one request more."""
        microseconds = self.limit.interval - self._filled % self.limit.interval
        return -(-microseconds // MICROSECONDS)

    @property
    def _filled(self) -> int:
        return self.limit.window - self.missing


class TokenBuckets(Protocol):
    """One bucket for each tenant, of one limit."""

    def take(self, tenant: str) -> Standing | None:
        """Take a token from a tenant's bucket; ``None`` when nobody knows what is in it."""
