"""Connections in DynamoDB.

The row of a connection names its topics, and each of them has a row of its own. Both change in one
transaction, on condition that the connection is there and has the end and the scopes that were
looked at: so whoever removes a connection removes all its subscriptions, and none outlives the
permission that it came from.

A topic's row is there before its first subscription and outlives the last, so that a topic without
a row has no subscribers. It is no part of the transaction: there, all who subscribe to a topic at
once would be in each other's way.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.realtime.connections import (
    Activity,
    Connection,
    ConnectionChanged,
    ConnectionGone,
    TooManyTopics,
)
from itemstream.realtime.limits import (
    CONNECTION_SECONDS,
    TOPICS_PER_CONNECTION,
    VIOLATION_SECONDS,
)
from itemstream.realtime.rows_dynamodb import (
    ConnectionsTable,
    connection_key,
    shards_of_topic,
    subscription_key,
    topic_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.realtime.rows_dynamodb import Row
    from itemstream.realtime.topics import Topic

__all__ = ["DynamoConnections"]

# API Gateway ends a connection after two hours.
CONNECTION_ROW_SECONDS = CONNECTION_SECONDS + 600
# A topic's row is written again when half of this is over, long before it could go.
TOPIC_ROW_SECONDS = 24 * 3600
REMOVALS = 10

_THERE = "attribute_exists(pk)"
_AS_SEEN = f"{_THERE} AND #ends_at = :seen_ends_at AND #scopes = :seen_scopes"
# The topic is where it was seen, or where it is to be; or there is none, and room for it.
_PLACED = "(#topics.#topic = :seen_shard OR #topics.#topic = :shard)"
_ROOM = "(attribute_not_exists(#topics.#topic) AND size(#topics) < :most)"
_WHERE_SEEN = "(attribute_not_exists(#topics.#topic) OR #topics.#topic = :seen_shard)"


class DynamoConnections:
    """
    The connections; see :class:`itemstream.realtime.connections.ConnectionRepository`.

    Parameters
    ----------
    table
        The table.
    clock
        Seconds since the epoch.
    """

    def __init__(self, table: ConnectionsTable, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    @classmethod
    def from_environment(cls) -> DynamoConnections:
        """Make the repository that the function's environment variables describe."""
        return cls(ConnectionsTable.from_environment())

    def add(self, connection: Connection) -> None:
        """Keep a new connection."""
        self._table.put(
            {
                **connection_key(connection.id),
                **to_item(
                    {
                        "tenant": connection.tenant,
                        "subject": connection.subject,
                        "scopes": sorted(connection.scopes),
                        "connected_at": connection.connected_at,
                        "ends_at": connection.ends_at,
                        "reason_of_end": connection.ends_by,
                        "topics": {},
                        "revision": 0,
                        "window": 0,
                        "messages": 0,
                        "violations": 0,
                        "violations_since": 0,
                        "expires_at": connection.connected_at + CONNECTION_ROW_SECONDS,
                    }
                ),
            }
        )

    def find(self, connection_id: str) -> Connection | None:
        """Read a connection, consistently."""
        row = self._table.get(connection_key(connection_id))
        return None if row is None else _connection(row)

    def remove(self, connection_id: str) -> None:
        """
        Delete the subscriptions, and then the connection if none has come or gone meanwhile.

        Who is interrupted leaves the connection, with all that is needed to try again.
        """
        for _ in range(REMOVALS):
            connection = self.find(connection_id)
            if connection is None:
                return
            self._table.delete_all(
                [
                    subscription_key(connection.tenant, topic, shard, connection.id)
                    for topic, shard in connection.topics.items()
                ]
            )
            if self._table.delete(
                connection_key(connection_id),
                condition="attribute_not_exists(pk) OR #revision = :revision",
                values={"revision": connection.revision},
            ):
                return
        raise DependencyUnavailable("DynamoDB")

    def count_message(self, connection_id: str, now: int) -> Activity | None:
        """Count by windows of one second; the usual first message of one costs one write."""
        key = connection_key(connection_id)
        held, row = self._table.change(
            key,
            "SET #window = :now, #messages = :one",
            condition=f"{_THERE} AND #window < :now",
            values={"now": now, "one": 1},
        )
        if not held and row is not None:
            _, row = self._table.change(
                key, "ADD #messages :one", condition=_THERE, values={"one": 1}
            )
        if row is None:
            return None
        stored = from_item(row)
        return Activity(_connection(row), stored["messages"], _violations(stored, now))

    def count_violation(self, connection_id: str, now: int) -> int:
        """Count by a window that begins with the first violation."""
        key = connection_key(connection_id)
        held, row = self._table.change(
            key,
            "SET #violations = :one, #violations_since = :now",
            condition=f"{_THERE} AND #violations_since <= :over",
            values={"now": now, "over": now - VIOLATION_SECONDS, "one": 1},
        )
        if not held and row is not None:
            _, row = self._table.change(
                key, "ADD #violations :one", condition=_THERE, values={"one": 1}
            )
        return 0 if row is None else int(row["violations"]["N"])

    def renew(self, connection: Connection) -> None:
        """Change the connection and all its subscriptions in one transaction."""
        known = self.find(connection.id)
        if known is None:
            raise ConnectionGone(connection.id)
        if known.revision != connection.revision:
            raise ConnectionChanged(connection.id)
        table, tenant = self._table, connection.tenant
        changed = table.update(
            connection_key(connection.id),
            "SET #ends_at = :ends_at, #reason_of_end = :reason_of_end, #scopes = :scopes,"
            " #topics = :topics ADD #revision :one",
            condition=f"{_THERE} AND #revision = :revision",
            values={
                "ends_at": connection.ends_at,
                "reason_of_end": connection.ends_by,
                "scopes": sorted(connection.scopes),
                "topics": connection.topics,
                "revision": connection.revision,
                "one": 1,
            },
        )
        operations = [{"Update": changed}]
        for topic, shard in known.topics.items():
            key = subscription_key(tenant, topic, shard, connection.id)
            if topic in connection.topics:
                prolonged = table.update(
                    key,
                    "SET #ends_at = :ends_at",
                    condition=_THERE,
                    values={"ends_at": connection.ends_at},
                )
                operations.append({"Update": prolonged})
            else:
                operations.append({"Delete": {"TableName": table.name, "Key": key}})
        refused = table.transact(operations)
        if refused is None:
            return
        if refused[0]["Code"] == "ConditionalCheckFailed" and not refused[0].get("Item"):
            raise ConnectionGone(connection.id)
        raise ConnectionChanged(connection.id)

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
        """Have the topic known, then change the connection and its subscription at once."""
        self._have_topic(connection.tenant, topic.name, shards)
        seen = connection.topics.get(topic.name, shard)
        changed = self._table.update(
            connection_key(connection.id),
            "SET #topics.#topic = :shard ADD #revision :one",
            condition=f"{_AS_SEEN} AND ({_PLACED} OR {_ROOM})",
            values={
                "shard": shard,
                "seen_shard": seen,
                "seen_ends_at": connection.ends_at,
                "seen_scopes": sorted(connection.scopes),
                "most": TOPICS_PER_CONNECTION,
                "one": 1,
            },
            topic=topic.name,
        )
        row = {
            **subscription_key(connection.tenant, topic.name, shard, connection.id),
            **to_item(
                {
                    "state": "live" if live else "behind",
                    "after": after,
                    "ends_at": connection.ends_at,
                    "expires_at": connection.connected_at + CONNECTION_ROW_SECONDS,
                }
            ),
        }
        operations = [{"Update": changed}, {"Put": {"TableName": self._table.name, "Item": row}}]
        if seen != shard:
            operations.append(self._deleted(connection, topic, seen))
        refused = self._table.transact(operations)
        if refused is None:
            return
        there = refused[0].get("Item")
        if not there:
            raise ConnectionGone(connection.id)
        now = _connection(there)
        if (now.ends_at, now.scopes) != (connection.ends_at, connection.scopes):
            raise ConnectionChanged(connection.id)
        if topic.name in now.topics:
            raise ConnectionChanged(connection.id)
        raise TooManyTopics(connection.id)

    def unsubscribe(self, connection: Connection, topic: Topic) -> None:
        """Change the connection and delete the subscription at once, wherever it is by now."""
        shard = connection.topics.get(topic.name, 0)
        for _ in range(REMOVALS):
            changed = self._table.update(
                connection_key(connection.id),
                "REMOVE #topics.#topic ADD #revision :one",
                condition=f"{_THERE} AND {_WHERE_SEEN}",
                values={"seen_shard": shard, "one": 1},
                topic=topic.name,
            )
            refused = self._table.transact(
                [{"Update": changed}, self._deleted(connection, topic, shard)]
            )
            if refused is None:
                return
            there = refused[0].get("Item")
            if not there:
                raise ConnectionGone(connection.id)
            shard = _connection(there).topics[topic.name]
        raise DependencyUnavailable("DynamoDB")

    def _deleted(self, connection: Connection, topic: Topic, shard: int) -> dict[str, Any]:
        key = subscription_key(connection.tenant, topic.name, shard, connection.id)
        return {"Delete": {"TableName": self._table.name, "Key": key}}

    def _have_topic(self, tenant: str, topic: str, shards: int) -> None:
        now = int(self._clock())
        key = topic_key(tenant, topic)
        row = self._table.get(key)
        if row is None or int(row["expires_at"]["N"]) <= now + TOPIC_ROW_SECONDS // 2:
            _, row = self._table.change(
                key,
                "SET #expires_at = :expires_at, #large = if_not_exists(#large, :large),"
                " #shards = if_not_exists(#shards, :shards)",
                condition="attribute_not_exists(pk) OR #expires_at < :expires_at",
                values={"expires_at": now + TOPIC_ROW_SECONDS, "large": False, "shards": shards},
            )
        # Never fewer while the row is there: somebody may be where fewer would not look.
        if row is None or shards_of_topic(row) < shards:
            self._table.change(
                key,
                "SET #shards = :shards",
                condition="attribute_not_exists(#shards) OR #shards < :shards",
                values={"shards": shards},
            )


def _connection(row: Row) -> Connection:
    stored: dict[str, Any] = from_item(row)
    return Connection(
        id=stored["pk"].removeprefix("connection#"),
        tenant=stored["tenant"],
        subject=stored["subject"],
        scopes=frozenset(stored["scopes"]),
        connected_at=stored["connected_at"],
        ends_at=stored["ends_at"],
        ends_by=stored["reason_of_end"],
        topics=stored["topics"],
        revision=stored["revision"],
    )


def _violations(stored: dict[str, Any], now: int) -> int:
    return int(stored["violations"]) if stored["violations_since"] > now - VIOLATION_SECONDS else 0
