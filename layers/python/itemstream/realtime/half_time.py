"""The first half of an invocation's time: what is not begun in it is left to another."""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HalfTime"]


class HalfTime:
    """
    Tells a function when half of its invocation's time is over.

    Parameters
    ----------
    clock
        Seconds, from whenever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = float("inf")

    def is_over(self) -> bool:
        """Tell whether the other half has begun."""
        return self._clock() > self._ends_at

    def of_each_invocation(
        self, handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    ) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        """Decorate a Lambda handler: its time begins anew with every invocation."""

        @wraps(handler)
        def timed(event: dict[str, Any], context: Any) -> dict[str, Any]:
            self._ends_at = self._clock() + context.get_remaining_time_in_millis() / 2000
            return handler(event, context)

        return timed
