"""How fast the client sends and how long it waits before it tries again."""

from __future__ import annotations

import asyncio
import random
import time

__all__ = ["Pace", "pause"]


def pause(attempt: int, first: float, longest: float) -> float:
    """Return a random part of a pause that doubles with each attempt, the first being 0."""
    # Full jitter: clients that were cut off together come back apart.
    return random.uniform(0, min(longest, first * 2 ** min(attempt, 30)))  # noqa: S311 - no secret


class Pace:
    """
    Lets messages through so that no second sees more than twice ``rate``.

    The server counts by windows of one second and allows ten.
    """

    def __init__(self, rate: int = 5) -> None:
        self._rate = rate
        self._free = float(rate)
        self._seen = time.monotonic()
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until a message may go."""
        async with self._turn:
            self._refill()
            if self._free < 1:
                await asyncio.sleep((1 - self._free) / self._rate)
                self._refill()
            self._free -= 1

    def _refill(self) -> None:
        now = time.monotonic()
        self._free = min(self._rate, self._free + (now - self._seen) * self._rate)
        self._seen = now
