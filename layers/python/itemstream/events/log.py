"""The log: one dense sequence of events for each tenant. Ports; the adapter is beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itemstream.events.envelope import Event

__all__ = ["EventLogReader", "EventLogWriter", "LoggedEvent", "PositionExpired"]


class PositionExpired(Exception):  # noqa: N818
    """
    The log no longer holds all that comes after a position.

    Whoever asked has to read the present state instead, and go on from the log's last position.
    """


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """
    An event in its place.

    Parameters
    ----------
    sequence
        Its place: 1 for the tenant's first event, and then one more each time.
    topic
        What clients subscribe to.
    document
        The CloudEvent.
    """

    sequence: int
    topic: str
    document: dict[str, Any]


class EventLogWriter(Protocol):
    """Where events are appended."""

    def append(self, tenant: str, events: Sequence[Event]) -> int:
        """
        Append events in their order, each once, whatever was appended or tried before.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        DependencyUnavailable
            Some may have been appended: all may be appended again.
        """


class EventLogReader(Protocol):
    """Where events are read again."""

    def read(self, tenant: str, *, after: int, limit: int) -> list[LoggedEvent]:
        """
        Read on after a position; 0 is before the first event.

        Returns
        -------
        list
            Up to ``limit`` events without a gap; empty at the end of the log.

        Raises
        ------
        PositionExpired
            The next event is no longer kept.
        DependencyUnavailable
            The log cannot be read now.
        """

    def last(self, tenant: str) -> int:
        """Return the position of the latest event; 0 if there was none yet."""
