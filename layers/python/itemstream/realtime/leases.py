"""Leases: who sends to what, one at a time. Ports; the adapters are beside them.

A lease is taken by one invocation, for a message of its queue. It ends when it is given back, when
it has run out (:data:`LEASE_SECONDS` after it was taken or last saved) or when the same message
comes again: then whoever held it before has failed. Whoever has lost a lease learns it when saving,
and has to stop.

Work that is left has to be given back before another message is sent for it: that message would be
dropped otherwise, because the lease is still held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from itemstream.realtime.connections import Subscription

__all__ = [
    "LEASE_SECONDS",
    "LeaseLost",
    "ReplayLease",
    "ReplayLeases",
    "ShardDelivery",
    "ShardLease",
    "ShardLeases",
]

# Longer than a function that holds one may run.
LEASE_SECONDS = 75


class LeaseLost(Exception):  # noqa: N818
    """Another holds the lease, or what it was for is gone or was begun anew."""


@dataclass(frozen=True, slots=True)
class ReplayLease:
    """
    The right to bring a subscription up to date.

    Parameters
    ----------
    subscription
        As it was when the lease was taken or last saved.
    token
        Tells this lease from every other.
    """

    subscription: Subscription
    token: str


class ReplayLeases(Protocol):
    """
    Leases of subscriptions that are behind.

    Every method may raise :class:`itemstream.dependencies.DependencyUnavailable`.
    """

    def take(
        self, connection_id: str, tenant: str, topic: str, shard: int, *, message_id: str
    ) -> ReplayLease | None:
        """
        Take the lease of a subscription.

        Returns
        -------
        ReplayLease or None
            ``None`` if there is nothing to do: it is live, gone or another's.
        """
        ...

    def save(self, lease: ReplayLease, after: int) -> ReplayLease:
        """
        Note how far events were sent, and hold the lease for longer.

        Raises
        ------
        LeaseLost
        """
        ...

    def go_live(self, lease: ReplayLease, after: int) -> bool:
        """
        Hand the subscription over to the senders, and give the lease back.

        Returns
        -------
        bool
            False if senders have skipped events that come after ``after``: the lease is still
            held, and the log has more to read.

        Raises
        ------
        LeaseLost
        """
        ...

    def release(self, lease: ReplayLease) -> None:
        """Give a lease back, the subscription still behind; one that was lost stays lost."""
        ...


@dataclass(frozen=True, slots=True)
class ShardDelivery:
    """
    How far one shard of a large topic was sent to.

    Parameters
    ----------
    tenant, topic, shard
        Which.
    after
        Every subscriber got the events up to this sequence.
    until
        Up to where events are to be sent, as far as was known.
    page
        The subscriber after which the present pass goes on; ``None`` for its beginning.
    pass_until
        Up to where the present pass sends, once a page of it was saved.
    """

    tenant: str
    topic: str
    shard: int
    after: int
    until: int
    page: str | None
    pass_until: int | None


@dataclass(frozen=True, slots=True)
class ShardLease:
    """
    The right to send to one shard of a large topic.

    Parameters
    ----------
    delivery
        As it was when the lease was taken or last saved.
    token
        Tells this lease from every other.
    """

    delivery: ShardDelivery
    token: str


class ShardLeases(Protocol):
    """
    What is to be sent to the shards of large topics, and by whom.

    Every method may raise :class:`itemstream.dependencies.DependencyUnavailable`.
    """

    def extend(self, tenant: str, topic: str, shard: int, *, after: int, until: int) -> None:
        """
        Have events of a batch sent to a shard; called before the message that says so.

        Parameters
        ----------
        tenant, topic, shard
            Which.
        after
            The sequence before the batch: where to begin if the shard was not sent to for long.
        until
            The batch's last sequence.
        """
        ...

    def take(
        self, tenant: str, topic: str, shard: int, *, large_after: int, message_id: str
    ) -> ShardLease | None:
        """
        Take the lease of a shard; events up to ``large_after`` were sent otherwise.

        Returns
        -------
        ShardLease or None
            ``None`` if nothing was ever to be sent to it, or if another holds it.
        """
        ...

    def save_page(self, lease: ShardLease, page: str, pass_until: int) -> ShardLease:
        """
        Note that a pass has sent to all subscribers up to ``page``, and hold the lease for longer.

        Raises
        ------
        LeaseLost
        """
        ...

    def finish_pass(self, lease: ShardLease, after: int) -> ShardLease | None:
        """
        Note that every subscriber got the events up to ``after``.

        Returns
        -------
        ShardLease or None
            ``None`` if that was all: the lease is given back. Else the lease, still held, with
            what is left to send.

        Raises
        ------
        LeaseLost
        """
        ...

    def release(self, lease: ShardLease) -> None:
        """Give a lease back with work left; one that was lost stays lost."""
        ...
