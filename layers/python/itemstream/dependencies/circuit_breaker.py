"""A circuit breaker for one dependency, within one execution environment.

Closed: calls go through. After ``threshold`` failures in a row it opens, and calls are refused
without being tried. After a pause one call is let through as a probe; each failed probe doubles
the pause. (Nygard, *Release It!*, "Circuit Breaker".)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """
    Decide whether a dependency is worth asking.

    Parameters
    ----------
    threshold
        Failures in a row that open the circuit.
    pause, longest_pause
        Seconds before the first probe, and at most between probes.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        threshold: int = 3,
        pause: float = 0.5,
        longest_pause: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._first_pause = pause
        self._longest_pause = longest_pause
        self._clock = clock
        self._failures = 0
        self._pause = pause
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last ``threshold`` calls failed."""
        return self._failures >= self._threshold

    def allows(self) -> bool:
        """Whether a call may be tried now."""
        return not self.is_open or self._clock() >= self._probe_at

    def succeeded(self) -> None:
        """Record a call that worked: the circuit closes."""
        self._failures = 0
        self._pause = self._first_pause

    def failed(self) -> None:
        """Record a call that failed: the circuit may open, or stay open for longer."""
        was_open = self.is_open
        self._failures += 1
        if self.is_open:
            if was_open:
                self._pause = min(self._pause * 2, self._longest_pause)
            self._probe_at = self._clock() + self._pause
