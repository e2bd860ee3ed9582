"""Who is connected, and subscribed to what. Ports; the adapters are beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from itemstream.realtime.topics import Topic

__all__ = [
    "Activity",
    "Connection",
    "ConnectionChanged",
    "ConnectionGone",
    "ConnectionRepository",
    "Subscription",
    "SubscriptionRepository",
    "TooManyTopics",
    "TopicState",
]


class ConnectionGone(Exception):  # noqa: N818
    """The connection is not known, or no longer."""


class ConnectionChanged(Exception):  # noqa: N818
    """
    Another frame of the client changed the connection since it was read.

    What was decided about it has to be decided again: find it, and try again.
    """


class TooManyTopics(Exception):  # noqa: N818
    """The connection has as many topics as one may have."""


@dataclass(frozen=True, slots=True)
class Connection:
    """
    A client's connection.

    Parameters
    ----------
    id
        API Gateway's id of it.
    tenant, subject
        Who it belongs to, by the token that it was last authenticated with.
    scopes
        What that token permits.
    connected_at
        When it began, in seconds since the epoch.
    ends_at
        When it is closed at the latest.
    ends_by
        Why it ends then: its token's time is over, or its own.
    topics
        What it is subscribed to: name of the topic → shard of the topic that holds it.
    revision
        Counts the changes of its topics and its end. Not for callers to set.
    """

    id: str
    tenant: str
    subject: str
    scopes: frozenset[str]
    connected_at: int
    ends_at: int
    ends_by: Literal["token", "age"]
    topics: dict[str, int]
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Activity:
    """
    What a connection did lately.

    Parameters
    ----------
    connection
        The connection as it is now.
    messages_in_window
        How many messages came from it in this second, the latest included.
    violations
        How often it went against a limit in the minute that began with the first time.
    """

    connection: Connection
    messages_in_window: int
    violations: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    One connection's subscription to one topic.

    Parameters
    ----------
    connection_id, tenant, topic, shard
        Whose it is, and where it is kept.
    state
        ``live``: senders send events of a higher sequence than ``after``. ``behind``: all events up
        to ``after`` were sent, and a replayer sends what follows.
    after
        A sequence of the log.
    skipped
        While it is behind, the highest sequence that senders left to the replayer.
    ends_at
        When its connection is closed at the latest, in seconds since the epoch.
    """

    connection_id: str
    tenant: str
    topic: str
    shard: int
    state: Literal["live", "behind"]
    after: int
    skipped: int | None
    ends_at: int


@dataclass(frozen=True, slots=True)
class TopicState:
    """
    How events of a topic are sent.

    Parameters
    ----------
    shards
        Over how many partitions its subscribers may be spread: all of them are to be sent to.
    large
        Whether its shards are sent to one by one, each by a function of its own.
    large_after
        The last sequence that was sent before it was so.
    """

    shards: int
    large: bool
    large_after: int | None


class ConnectionRepository(Protocol):
    """
    Where connections are known: DynamoDB.

    Every method may raise :class:`itemstream.dependencies.DependencyUnavailable`.
    """

    def add(self, connection: Connection) -> None:
        """Keep a new connection."""
        ...

    def find(self, connection_id: str) -> Connection | None:
        """Return a connection, or ``None`` if it is not known."""
        ...

    def remove(self, connection_id: str) -> None:
        """Forget a connection and all its subscriptions; repeatable."""
        ...

    def count_message(self, connection_id: str, now: int) -> Activity | None:
        """Count a message that came from a connection; ``None`` if that is not known."""
        ...

    def count_violation(self, connection_id: str, now: int) -> int:
        """Count a violation; return how many there were within the minute, 0 if it is gone."""
        ...

    def renew(self, connection: Connection) -> None:
        """
        Keep a connection's new end and scopes, and drop the topics that it has no longer.

        Raises
        ------
        ConnectionGone
            It is not known any more.
        ConnectionChanged
            Its topics or end are not what they were when it was read. Nothing was done.
        """
        ...

    def subscribe(
        self,
        connection: Connection,
        topic: Topic,
        shard: int,
        *,
        shards: int,
        after: int,
        live: bool,
    ) -> None:
        """
        Subscribe a connection, anew if it was subscribed before: then from another shard, maybe.

        Senders know of the topic's ``shards`` before the subscription is there, so that none
        begins after that and looks in fewer.

        Raises
        ------
        ConnectionGone
            It is not known any more.
        ConnectionChanged
            Its scopes or end, or the topic's shard, are not what they were when it was read.
            Nothing was done.
        TooManyTopics
            It would have more topics than one may have.
        """
        ...

    def unsubscribe(self, connection: Connection, topic: Topic) -> None:
        """
        End a subscription; one that there is not stays away.

        Raises
        ------
        ConnectionGone
            The connection is not known any more.
        """
        ...


class SubscriptionRepository(Protocol):
    """
    What those who send need of the subscriptions. Reads are strongly consistent.

    Every method may raise :class:`itemstream.dependencies.DependencyUnavailable`.
    """

    def topics_with_subscribers(
        self, tenant: str, topics: Collection[str]
    ) -> dict[str, TopicState]:
        """Return those of some topics that may have subscribers; all others have none."""
        ...

    def page(
        self, tenant: str, topic: str, shard: int, start: str | None
    ) -> tuple[list[Subscription], str | None]:
        """Return some subscriptions of a shard, and where to start for more, if there are."""
        ...

    def find(self, connection_id: str, tenant: str, topic: str, shard: int) -> Subscription | None:
        """Return a subscription, or ``None`` if there is none, or no longer."""
        ...

    def skip(self, subscription: Subscription, sequence: int) -> Subscription | None:
        """
        Leave events up to a sequence to the replayer of a subscription that is behind.

        Returns
        -------
        Subscription or None
            The subscription as it is now if it is live: the caller has to send to it. ``None`` if
            its replayer will send them, or if it is gone.
        """
        ...

    def fall_behind(self, subscription: Subscription, after: int) -> bool:
        """
        Have a live subscription, all events up to ``after`` sent, brought up to date by a replayer.

        A replayer is sent for before this, so that no crash leaves a subscription behind that
        nobody looks after. One that comes too early does this itself: so nothing is done where
        ``after`` of the subscription is higher, because then it was brought up to date already.

        Returns
        -------
        bool
            False if it is not live any more, was brought further, or is gone.
        """
        ...

    def make_large(self, tenant: str, topic: str, after: int) -> None:
        """Have a topic sent to by shards from now on, unless it is so already."""
        ...
