"""Leases: one holder at a time, and work that nobody who fails can block."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.leases import LEASE_SECONDS, LeaseLost, ReplayLease, ShardLease
from itemstream.realtime.leases_dynamodb import DynamoReplayLeases, DynamoShardLeases
from itemstream.realtime.rows_dynamodb import ConnectionsTable
from itemstream.realtime.subscriptions_dynamodb import DynamoSubscriptions
from tests.fakes.connections import ITEMS, NOW, SHARD, SHARDS, Interrupted, a_connection
from tests.fakes.tables import CONNECTIONS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = a_connection().id


class Clock:
    """A clock that is set by hand."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


@pytest.fixture
def table(client: Any) -> ConnectionsTable:
    return ConnectionsTable(client, CONNECTIONS)


@pytest.fixture
def connections(table: ConnectionsTable, clock: Clock) -> DynamoConnections:
    """One connection, that wants all items after 3."""
    connections = DynamoConnections(table, clock=clock)
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=3, live=False)
    return connections


@pytest.fixture
def subscriptions(table: ConnectionsTable, connections: DynamoConnections) -> DynamoSubscriptions:
    return DynamoSubscriptions(table)


@pytest.fixture
def replays(
    table: ConnectionsTable, connections: DynamoConnections, clock: Clock
) -> DynamoReplayLeases:
    return DynamoReplayLeases(table, clock=clock)


@pytest.fixture
def shards(table: ConnectionsTable, clock: Clock) -> DynamoShardLeases:
    return DynamoShardLeases(table, clock=clock)


def taken(replays: DynamoReplayLeases, message_id: str = "m1") -> ReplayLease:
    lease = replays.take(ID, "acme", "items", SHARD, message_id=message_id)
    assert lease is not None
    return lease


def test_a_lease_has_one_holder(replays: DynamoReplayLeases) -> None:
    # When
    lease = taken(replays)

    # Then
    assert (lease.subscription.state, lease.subscription.after) == ("behind", 3)
    assert replays.take(ID, "acme", "items", SHARD, message_id="m2") is None


def test_nobody_takes_what_is_live_or_gone(
    replays: DynamoReplayLeases, connections: DynamoConnections
) -> None:
    assert replays.take("another", "acme", "items", SHARD, message_id="m1") is None
    assert replays.take(ID, "other", "items", SHARD, message_id="m1") is None
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=9, live=True)
    assert replays.take(ID, "acme", "items", SHARD, message_id="m1") is None


def test_nobody_takes_what_is_kept_elsewhere_by_now(
    replays: DynamoReplayLeases, connections: DynamoConnections
) -> None:
    # Given
    connection = connections.find(ID)
    assert connection
    connections.subscribe(connection, ITEMS, SHARD + 1, shards=SHARDS, after=5, live=False)

    # When
    before = replays.take(ID, "acme", "items", SHARD, message_id="m1")
    now = replays.take(ID, "acme", "items", SHARD + 1, message_id="m1")

    # Then
    assert before is None
    assert now
    assert (now.subscription.shard, now.subscription.after) == (SHARD + 1, 5)


def test_a_lease_that_is_given_back_is_taken_where_it_was_left(
    replays: DynamoReplayLeases,
) -> None:
    # Given
    lease = replays.save(taken(replays), 5)

    # When
    replays.release(lease)

    # Then
    assert taken(replays, "m2").subscription.after == 5


def test_a_lease_that_has_run_out_is_taken_over(replays: DynamoReplayLeases, clock: Clock) -> None:
    # Given a holder that dies after it has saved
    first = taken(replays)
    clock.now += LEASE_SECONDS - 1
    first = replays.save(first, 5)
    clock.now += LEASE_SECONDS - 1
    assert replays.take(ID, "acme", "items", SHARD, message_id="m2") is None

    # When
    clock.now += 1
    second = taken(replays, "m2")

    # Then another goes on where it was, and it can do no more harm
    assert second.subscription.after == 5
    with pytest.raises(LeaseLost):
        replays.save(first, 9)
    with pytest.raises(LeaseLost):
        replays.go_live(first, 9)
    replays.release(first)
    assert replays.save(second, 6).subscription.after == 6


def test_a_message_that_comes_again_takes_over_what_it_began(replays: DynamoReplayLeases) -> None:
    # Given
    first = taken(replays)

    # When
    second = taken(replays)

    # Then
    assert second.token != first.token
    with pytest.raises(LeaseLost):
        replays.save(first, 9)
    assert replays.save(second, 4).subscription.after == 4


def test_who_subscribes_anew_takes_the_lease_away(
    client: Any, replays: DynamoReplayLeases, connections: DynamoConnections, clock: Clock
) -> None:
    # Given a subscription that is made anew while its replayer saves
    lease = taken(replays)
    slower = Interrupted(
        client,
        "update_item",
        lambda: connections.subscribe(
            a_connection(), ITEMS, SHARD, shards=SHARDS, after=20, live=False
        ),
    )
    saving = DynamoReplayLeases(ConnectionsTable(slower, CONNECTIONS), clock=clock)

    # When / Then
    with pytest.raises(LeaseLost):
        saving.save(lease, 5)
    assert taken(replays, "m2").subscription.after == 20


def test_a_subscription_that_ends_takes_its_lease_along(
    replays: DynamoReplayLeases, connections: DynamoConnections
) -> None:
    # Given
    lease = taken(replays)
    connections.remove(ID)

    # When / Then
    with pytest.raises(LeaseLost):
        replays.save(lease, 5)
    with pytest.raises(LeaseLost):
        replays.go_live(lease, 5)
    replays.release(lease)
    assert connections.find(ID) is None


@pytest.mark.parametrize(("skipped", "live"), [(None, True), (8, True), (9, False)])
def test_it_goes_live_only_with_all_that_was_skipped(
    replays: DynamoReplayLeases,
    subscriptions: DynamoSubscriptions,
    skipped: int | None,
    live: bool,
) -> None:
    # Given
    lease = taken(replays)
    if skipped:
        subscriptions.skip(lease.subscription, skipped)

    # When
    went = replays.go_live(lease, 8)

    # Then
    assert went == live
    now = subscriptions.find(ID, "acme", "items", SHARD)
    assert now is not None
    if live:
        assert (now.state, now.after, now.skipped) == ("live", 8, None)
        with pytest.raises(LeaseLost):
            replays.save(lease, 9)
    else:
        # The lease is still held.
        assert replays.save(lease, 9).subscription == replace(now, after=9)
        assert replays.go_live(lease, 9)


def test_nothing_of_a_lease_is_left_for_the_next_time_behind(
    replays: DynamoReplayLeases, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    lease = taken(replays)
    subscriptions.skip(lease.subscription, 7)
    replays.go_live(lease, 8)

    # When
    live = subscriptions.find(ID, "acme", "items", SHARD)
    assert live is not None
    subscriptions.fall_behind(live, 10)

    # Then
    again = taken(replays, "m2").subscription
    assert (again.after, again.skipped) == (10, None)
    with pytest.raises(LeaseLost):
        replays.save(lease, 11)


def take_shard(
    shards: DynamoShardLeases, message_id: str = "m1", *, large_after: int = 0
) -> ShardLease:
    lease = shards.take("acme", "items", 2, large_after=large_after, message_id=message_id)
    assert lease is not None
    return lease


def extend(shards: DynamoShardLeases, until: int, *, after: int = 40) -> None:
    shards.extend("acme", "items", 2, after=after, until=until)


def test_a_shard_is_sent_what_was_asked_for(shards: DynamoShardLeases) -> None:
    # Given
    assert shards.take("acme", "items", 2, large_after=40, message_id="m1") is None
    extend(shards, 43)
    extend(shards, 47, after=43)
    # A batch that comes again
    extend(shards, 43)

    # When
    delivery = take_shard(shards).delivery

    # Then
    assert (delivery.after, delivery.until) == (40, 47)
    assert (delivery.page, delivery.pass_until) == (None, None)
    assert shards.take("acme", "items", 2, large_after=40, message_id="m2") is None
    assert shards.take("acme", "items", 3, large_after=40, message_id="m2") is None
    assert shards.take("other", "items", 2, large_after=40, message_id="m2") is None


def test_a_pass_goes_on_where_it_was_left(shards: DynamoShardLeases) -> None:
    # Given
    extend(shards, 43)
    lease = shards.save_page(take_shard(shards), "connection-17", 43)
    extend(shards, 47)

    # When
    shards.release(lease)

    # Then
    delivery = take_shard(shards, "m2").delivery
    assert (delivery.after, delivery.until) == (40, 47)
    assert (delivery.page, delivery.pass_until) == ("connection-17", 43)


def test_a_shard_is_done_when_nothing_more_has_come(shards: DynamoShardLeases) -> None:
    # Given
    extend(shards, 43)
    lease = shards.save_page(take_shard(shards), "connection-17", 43)

    # When
    left = shards.finish_pass(lease, 43)

    # Then the lease is free
    assert left is None
    delivery = take_shard(shards, "m2").delivery
    assert (delivery.after, delivery.until, delivery.page) == (43, 43, None)


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_what_comes_during_a_pass_is_sent_by_the_next(
    client: Any, shards: DynamoShardLeases, clock: Clock, moment: str
) -> None:
    # Given
    extend(shards, 43)
    lease = shards.save_page(take_shard(shards), "connection-17", 43)
    finishing = shards
    if moment == "before":
        extend(shards, 47)
    else:
        slower = Interrupted(client, "update_item", lambda: extend(shards, 47))
        finishing = DynamoShardLeases(ConnectionsTable(slower, CONNECTIONS), clock=clock)

    # When
    left = finishing.finish_pass(lease, 43)

    # Then the lease is still held
    assert left is not None
    assert (left.delivery.after, left.delivery.until) == (43, 47)
    assert (left.delivery.page, left.delivery.pass_until) == (None, None)
    assert shards.take("acme", "items", 2, large_after=0, message_id="m2") is None
    assert shards.finish_pass(left, 47) is None


def test_a_shard_whose_holder_failed_is_taken_over(shards: DynamoShardLeases, clock: Clock) -> None:
    # Given
    extend(shards, 43)
    first = shards.save_page(take_shard(shards), "connection-17", 43)
    clock.now += LEASE_SECONDS

    # When
    second = take_shard(shards, "m2")

    # Then
    assert second.delivery == first.delivery
    with pytest.raises(LeaseLost):
        shards.save_page(first, "connection-30", 43)
    with pytest.raises(LeaseLost):
        shards.finish_pass(first, 43)
    shards.release(first)
    assert shards.take("acme", "items", 2, large_after=0, message_id="m3") is None
    # And by the message that took it, once more
    assert take_shard(shards, "m2").token != second.token


def test_what_is_left_of_an_earlier_time_as_a_large_topic_is_not_sent_again(
    shards: DynamoShardLeases,
) -> None:
    # Given a pass that was never finished, and a topic that was small meanwhile
    extend(shards, 43)
    shards.release(shards.save_page(take_shard(shards), "connection-17", 43))
    extend(shards, 905, after=900)

    # When
    delivery = take_shard(shards, large_after=900).delivery

    # Then
    assert (delivery.after, delivery.until) == (900, 905)
    assert (delivery.page, delivery.pass_until) == (None, None)


def test_a_shard_that_had_no_event_for_long_begins_with_the_batch(
    client: Any, shards: DynamoShardLeases
) -> None:
    # Given a topic that has been large since 40, and a shard whose row has expired
    extend(shards, 905, after=900)

    # When
    delivery = take_shard(shards, large_after=40).delivery

    # Then
    assert (delivery.after, delivery.until) == (900, 905)
    (row,) = client.scan(TableName=CONNECTIONS)["Items"]
    assert int(row["expires_at"]["N"]) == NOW + 7 * 24 * 3600
