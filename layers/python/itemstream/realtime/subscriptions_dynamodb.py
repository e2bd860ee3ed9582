"""Subscriptions in DynamoDB, as those see them who send to subscribers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itemstream.realtime.connections import Subscription, TopicState
from itemstream.realtime.rows_dynamodb import (
    ConnectionsTable,
    shards_of_topic,
    subscription_key,
    topic_key,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from itemstream.realtime.rows_dynamodb import Row

__all__ = ["DynamoSubscriptions", "read_subscription"]

# Short rows are read faster.
_ATTRIBUTES = ("state", "after", "skipped", "ends_at")
# A page is sent to before it counts as done, so it has to fit into an invocation many times.
SUBSCRIPTIONS_PER_PAGE = 500


class DynamoSubscriptions:
    """
    The subscriptions; see :class:`itemstream.realtime.connections.SubscriptionRepository`.

    Parameters
    ----------
    table
        The table.
    """

    def __init__(self, table: ConnectionsTable) -> None:
        self._table = table

    @classmethod
    def from_environment(cls) -> DynamoSubscriptions:
        """Make the repository that the function's environment variables describe."""
        return cls(ConnectionsTable.from_environment())

    def topics_with_subscribers(
        self, tenant: str, topics: Collection[str]
    ) -> dict[str, TopicState]:
        """Read the topics' rows, a hundred with each call."""
        rows = self._table.get_all([topic_key(tenant, topic) for topic in sorted(set(topics))])
        return {row["sk"]["S"]: _topic_state(row) for row in rows}

    def page(
        self, tenant: str, topic: str, shard: int, start: str | None
    ) -> tuple[list[Subscription], str | None]:
        """Read up to five hundred subscriptions."""
        pk = subscription_key(tenant, topic, shard, "")["pk"]["S"]
        rows, more = self._table.query(pk, start, _ATTRIBUTES, limit=SUBSCRIPTIONS_PER_PAGE)
        return [read_subscription(row, tenant, topic, shard) for row in rows], more

    def find(self, connection_id: str, tenant: str, topic: str, shard: int) -> Subscription | None:
        """Read a subscription, consistently."""
        row = self._table.get(subscription_key(tenant, topic, shard, connection_id))
        return None if row is None else read_subscription(row, tenant, topic, shard)

    def skip(self, subscription: Subscription, sequence: int) -> Subscription | None:
        """Note the sequence where the replayer looks before it lets the subscription go live."""
        held, row = self._table.change(
            _key(subscription),
            "SET #skipped = :sequence",
            condition="#state = :behind"
            " AND (attribute_not_exists(#skipped) OR #skipped < :sequence)",
            values={"sequence": sequence, "behind": "behind"},
        )
        if held or row is None:
            return None
        now = read_subscription(row, subscription.tenant, subscription.topic, subscription.shard)
        return now if now.state == "live" else None

    def fall_behind(self, subscription: Subscription, after: int) -> bool:
        """Change the state of a live subscription, which never goes back to what it was sent."""
        held, _ = self._table.change(
            _key(subscription),
            "SET #state = :behind, #after = :after",
            condition="#state = :live AND #after <= :after",
            values={"behind": "behind", "live": "live", "after": after},
        )
        return held

    def make_large(self, tenant: str, topic: str, after: int) -> None:
        """Change the topic's row, once."""
        self._table.change(
            topic_key(tenant, topic),
            "SET #large = :large, #large_after = :after",
            condition="#large = :not_large",
            values={"large": True, "not_large": False, "after": after},
        )


def read_subscription(row: Row, tenant: str, topic: str, shard: int) -> Subscription:
    """Make a subscription of its row."""
    skipped = row.get("skipped")
    return Subscription(
        connection_id=row["sk"]["S"],
        tenant=tenant,
        topic=topic,
        shard=shard,
        state=row["state"]["S"],
        after=int(row["after"]["N"]),
        skipped=None if skipped is None else int(skipped["N"]),
        ends_at=int(row["ends_at"]["N"]),
    )


def _key(subscription: Subscription) -> Row:
    return subscription_key(
        subscription.tenant, subscription.topic, subscription.shard, subscription.connection_id
    )


def _topic_state(row: Row) -> TopicState:
    large_after = row.get("large_after")
    return TopicState(
        shards=shards_of_topic(row),
        large=row["large"]["BOOL"],
        large_after=None if large_after is None else int(large_after["N"]),
    )
