"""What real time asks itself for later: replays, deliveries, endings. Ports; SQS is beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Deliveries", "Endings", "Replays"]


class Replays(Protocol):
    """Asks that a subscription that is behind be brought up to date."""

    def ask(
        self,
        connection_id: str,
        tenant: str,
        topic: str,
        shard: int,
        *,
        delay: int = 0,
        after: int | None = None,
    ) -> None:
        """
        Ask for it, to begin in some seconds.

        Parameters
        ----------
        connection_id, tenant, topic, shard
            The subscription, and where it is kept.
        delay
            Seconds until it begins.
        after
            Where a sender's way ended: a subscription that is still live then, and was never
            brought further than this, is put behind by the replayer itself.

        Raises
        ------
        DependencyUnavailable
            It may have been asked for: a repeat costs nothing.
        """


class Deliveries(Protocol):
    """Asks that shards of a large topic get what they have not got yet."""

    def ask(self, tenant: str, topic: str, shards: Iterable[int]) -> None:
        """
        Ask for all of them.

        Raises
        ------
        DependencyUnavailable
            Some may have been asked for: a repeat costs nothing.
        """


class Endings(Protocol):
    """Asks that a connection be closed when its time is over."""

    def ask(self, connection_id: str, *, delay: int, at_once: bool = False) -> None:
        """
        Ask for it, to be looked at in some seconds, 15 minutes at most.

        Parameters
        ----------
        connection_id
            The connection.
        delay
            Seconds until it is looked at; more than 15 minutes are cut.
        at_once
            Whether it is closed then even if its time is not over.

        Raises
        ------
        DependencyUnavailable
            It may have been asked for: a repeat costs nothing.
        """
