"""Leases in DynamoDB: a token in the row that they are for, and every change on condition of it."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from itemstream.dynamodb.attribute_values import from_item
from itemstream.realtime.leases import (
    LEASE_SECONDS,
    LeaseLost,
    ReplayLease,
    ShardDelivery,
    ShardLease,
)
from itemstream.realtime.rows_dynamodb import ConnectionsTable, delivery_key, subscription_key
from itemstream.realtime.subscriptions_dynamodb import read_subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.realtime.connections import Subscription
    from itemstream.realtime.rows_dynamodb import Row

__all__ = ["DynamoReplayLeases", "DynamoShardLeases"]

# Longer than the log and all messages are kept.
DELIVERY_ROW_SECONDS = 7 * 24 * 3600

_TAKEN = "#lease = :token, #leased_by = :message_id, #leased_until = :leased_until"
_FREE = "(attribute_not_exists(#lease) OR #leased_until <= :now OR #leased_by = :message_id)"
_GIVEN_BACK = "#lease, #leased_by, #leased_until"
_MINE = "#lease = :token"


class DynamoReplayLeases:
    """
    Leases of subscriptions; see :class:`itemstream.realtime.leases.ReplayLeases`.

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
    def from_environment(cls) -> DynamoReplayLeases:
        """Make the leases that the function's environment variables describe."""
        return cls(ConnectionsTable.from_environment())

    def take(
        self, connection_id: str, tenant: str, topic: str, shard: int, *, message_id: str
    ) -> ReplayLease | None:
        """Take the lease if the subscription is behind and nobody, or the same message, has it."""
        values = _taking(self._clock(), message_id)
        held, row = self._table.change(
            subscription_key(tenant, topic, shard, connection_id),
            f"SET {_TAKEN}",
            condition=f"#state = :behind AND {_FREE}",
            values={**values, "behind": "behind"},
        )
        if not held or row is None:
            return None
        return ReplayLease(read_subscription(row, tenant, topic, shard), values["token"])

    def save(self, lease: ReplayLease, after: int) -> ReplayLease:
        """Change ``after``, and hold the lease for longer."""
        subscription = lease.subscription
        held, row = self._table.change(
            _key(subscription),
            "SET #after = :after, #leased_until = :leased_until",
            condition=_MINE,
            values={
                "after": after,
                "leased_until": int(self._clock()) + LEASE_SECONDS,
                "token": lease.token,
            },
        )
        if not held or row is None:
            raise LeaseLost(subscription)
        saved = read_subscription(row, subscription.tenant, subscription.topic, subscription.shard)
        return ReplayLease(saved, lease.token)

    def go_live(self, lease: ReplayLease, after: int) -> bool:
        """Change the state, unless senders skipped more than was sent."""
        held, row = self._table.change(
            _key(lease.subscription),
            f"SET #state = :live, #after = :after REMOVE #skipped, {_GIVEN_BACK}",
            condition=f"{_MINE} AND (attribute_not_exists(#skipped) OR #skipped <= :after)",
            values={"live": "live", "after": after, "token": lease.token},
        )
        if not held and (row is None or row.get("lease") != {"S": lease.token}):
            raise LeaseLost(lease.subscription)
        return held

    def release(self, lease: ReplayLease) -> None:
        """Remove the token, if it is still there."""
        _release(self._table, _key(lease.subscription), lease.token)


class DynamoShardLeases:
    """
    Leases of shards of large topics; see :class:`itemstream.realtime.leases.ShardLeases`.

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
    def from_environment(cls) -> DynamoShardLeases:
        """Make the leases that the function's environment variables describe."""
        return cls(ConnectionsTable.from_environment())

    def extend(self, tenant: str, topic: str, shard: int, *, after: int, until: int) -> None:
        """Change the end if it lies further on; the beginning where there is none."""
        self._table.change(
            delivery_key(tenant, topic, shard),
            "SET #until = :until, #expires_at = :expires_at,"
            " #after = if_not_exists(#after, :after)",
            condition="attribute_not_exists(#until) OR #until < :until",
            values={
                "until": until,
                "after": after,
                "expires_at": int(self._clock()) + DELIVERY_ROW_SECONDS,
            },
        )

    def take(
        self, tenant: str, topic: str, shard: int, *, large_after: int, message_id: str
    ) -> ShardLease | None:
        """Take the lease if nobody, or the same message, has it."""
        values = _taking(self._clock(), message_id)
        held, row = self._table.change(
            delivery_key(tenant, topic, shard),
            f"SET {_TAKEN}",
            condition=f"attribute_exists(#until) AND {_FREE}",
            values=values,
        )
        if not held or row is None:
            return None
        delivery = _delivery(row, tenant, topic, shard, large_after)
        return ShardLease(delivery, values["token"])

    def save_page(self, lease: ShardLease, page: str, pass_until: int) -> ShardLease:
        """Change how far the pass is, and hold the lease for longer."""
        row = self._change(
            lease,
            "SET #page = :page, #pass_until = :pass_until, #leased_until = :leased_until",
            page=page,
            pass_until=pass_until,
            leased_until=int(self._clock()) + LEASE_SECONDS,
        )
        return _lease(row, lease)

    def finish_pass(self, lease: ShardLease, after: int) -> ShardLease | None:
        """Change ``after``, and give the lease back if the end has not moved on meanwhile."""
        held, row = self._table.change(
            _delivery_key(lease),
            f"SET #after = :after REMOVE #page, #pass_until, {_GIVEN_BACK}",
            condition=f"{_MINE} AND #until <= :after",
            values={"after": after, "token": lease.token},
        )
        if held:
            return None
        row = self._change(
            lease,
            "SET #after = :after, #leased_until = :leased_until REMOVE #page, #pass_until",
            after=after,
            leased_until=int(self._clock()) + LEASE_SECONDS,
        )
        return _lease(row, lease)

    def release(self, lease: ShardLease) -> None:
        """Remove the token, if it is still there."""
        _release(self._table, _delivery_key(lease), lease.token)

    def _change(self, lease: ShardLease, update: str, **values: Any) -> Row:
        held, row = self._table.change(
            _delivery_key(lease),
            update,
            condition=_MINE,
            values={**values, "token": lease.token},
        )
        if not held or row is None:
            raise LeaseLost(lease.delivery)
        return row


def _taking(now: float, message_id: str) -> dict[str, Any]:
    return {
        "token": secrets.token_hex(8),
        "message_id": message_id,
        "now": int(now),
        "leased_until": int(now) + LEASE_SECONDS,
    }


def _release(table: ConnectionsTable, key: Row, token: str) -> None:
    table.change(key, f"REMOVE {_GIVEN_BACK}", condition=_MINE, values={"token": token})


def _key(subscription: Subscription) -> Row:
    return subscription_key(
        subscription.tenant, subscription.topic, subscription.shard, subscription.connection_id
    )


def _delivery_key(lease: ShardLease) -> Row:
    delivery = lease.delivery
    return delivery_key(delivery.tenant, delivery.topic, delivery.shard)


def _lease(row: Row, lease: ShardLease) -> ShardLease:
    delivery = lease.delivery
    changed = _delivery(row, delivery.tenant, delivery.topic, delivery.shard, delivery.after)
    return ShardLease(changed, lease.token)


def _delivery(row: Row, tenant: str, topic: str, shard: int, large_after: int) -> ShardDelivery:
    stored = from_item(row)
    # What is left of an earlier time, when the topic was large too, has been sent otherwise since.
    after = max(stored["after"], large_after)
    page, pass_until = stored.get("page"), stored.get("pass_until")
    if pass_until is not None and pass_until <= after:
        page = pass_until = None
    return ShardDelivery(tenant, topic, shard, after, stored["until"], page, pass_until)
