"""A pace: units a second, on average since it began, by whoever takes part."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace"]

# What is not used within this time is not caught up with.
_BURST_SECONDS = 1.0


class Pace:
    """
    Keeps threads together below a rate.

    Parameters
    ----------
    rate
        Units a second.
    clock
        Seconds that only grow.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate = rate
        self._clock = clock
        self._pause = pause
        self._free_at = clock()
        self._lock = threading.Lock()

    def spend(self, units: float) -> None:
        """Say what was used, and wait until the rate allows for more."""
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now - _BURST_SECONDS) + units / self.rate
            wait = self._free_at - now
        if wait > 0:
            self._pause(wait)
