"""Where the health is kept: one latest state, and the history. A port; the adapter is beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from itemstream.dependencies import DependencyUnavailable
from itemstream.health.states import after_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itemstream.health.model import Health, Measurement

__all__ = ["HealthRepository", "record", "record_within"]

_ATTEMPTS = 5


class HealthRepository(Protocol):
    """The latest health, and that of each check before."""

    def latest(self) -> Health | None:
        """
        Return the health after the last check; ``None`` before the first.

        Raises
        ------
        DependencyUnavailable
            It cannot be read now.
        """

    def replace(
        self, before: Health | None, after: Health, measurements: Sequence[Measurement]
    ) -> bool:
        """
        Keep the health after a check, with what the check found, if nothing newer is there.

        Returns
        -------
        bool
            Whether ``before`` was still the latest; else nothing is kept.

        Raises
        ------
        DependencyUnavailable
            It may have been kept.
        """


def record(
    repository: HealthRepository, measurements: Sequence[Measurement], at: str, *, lasting: int
) -> Health | None:
    """
    Add a check to the health, however many do so at once.

    Returns
    -------
    Health or None
        The health after it; ``None`` if a check that began later was there first, or this one.

    Raises
    ------
    DependencyUnavailable
        It cannot be kept now, or others were faster each time.
    """
    for _ in range(_ATTEMPTS):
        before = repository.latest()
        if before is not None and before.checked_at >= at:
            return None
        after = after_check(before, measurements, at, lasting=lasting)
        if repository.replace(before, after, measurements):
            return after
    raise DependencyUnavailable("DynamoDB")


async def record_within(
    seconds: float,
    repository: HealthRepository,
    measurements: Sequence[Measurement],
    at: str,
    *,
    lasting: int,
) -> Health | None:
    """
    Add a check to the health as :func:`record` does, or give it up after some seconds.

    Raises
    ------
    DependencyUnavailable
        As :func:`record`, or the time is over; it may be kept yet.
    """
    try:
        async with asyncio.timeout(seconds):
            # Given up, it goes on in its thread until the client's own time-outs end it.
            return await asyncio.to_thread(record, repository, measurements, at, lasting=lasting)
    except TimeoutError as late:
        raise DependencyUnavailable("DynamoDB") from late
