"""Subscriptions as senders see them: read by pages, and changed by who comes first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.connections import Subscription, TopicState
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.leases_dynamodb import DynamoReplayLeases
from itemstream.realtime.rows_dynamodb import ConnectionsTable
from itemstream.realtime.subscriptions_dynamodb import DynamoSubscriptions
from tests.fakes.connections import (
    CALLS,
    ITEMS,
    NOW,
    SHARD,
    SHARDS,
    Interrupted,
    a_connection,
    an_item,
)
from tests.fakes.tables import CONNECTIONS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


def table_of(client: Any) -> ConnectionsTable:
    return ConnectionsTable(client, CONNECTIONS, pause=lambda _: None)


@pytest.fixture
def connections(client: Any) -> DynamoConnections:
    return DynamoConnections(table_of(client), clock=lambda: NOW)


def subscriptions_of(client: Any) -> DynamoSubscriptions:
    return DynamoSubscriptions(table_of(client))


@pytest.fixture
def subscriptions(client: Any) -> DynamoSubscriptions:
    return subscriptions_of(client)


@pytest.fixture
def leases(client: Any) -> DynamoReplayLeases:
    return DynamoReplayLeases(table_of(client), clock=lambda: NOW)


def found(subscriptions: DynamoSubscriptions) -> Subscription:
    subscription = subscriptions.find(a_connection().id, "acme", "items", SHARD)
    assert subscription is not None
    return subscription


def subscribed(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions, *, after: int, live: bool
) -> Subscription:
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=after, live=live)
    return found(subscriptions)


class Counted:
    """A client that counts its calls, and leaves a part of each first batch for later."""

    def __init__(self, client: Any, *, unprocessed: int = 0) -> None:
        self._client = client
        self._unprocessed = unprocessed
        self.calls: list[dict[str, Any]] = []

    def query(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        return self._client.query(**arguments)

    def batch_get_item(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        request = arguments["RequestItems"][CONNECTIONS]
        keys = request["Keys"]
        left = keys[: self._unprocessed] if len(keys) > self._unprocessed else []
        answer = self._client.batch_get_item(
            RequestItems={CONNECTIONS: {**request, "Keys": keys[len(left) :]}}
        )
        return {**answer, "UnprocessedKeys": {CONNECTIONS: {"Keys": left}} if left else {}}


def test_only_topics_with_subscribers_are_named(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    connections.subscribe(a_connection(), an_item(1), SHARD, shards=SHARDS, after=0, live=True)

    # When
    topics = ["items", an_item(1).name, an_item(2).name, "calls", "items"]
    named = subscriptions.topics_with_subscribers("acme", topics)

    # Then
    assert named == {
        "items": TopicState(SHARDS, large=False, large_after=None),
        an_item(1).name: TopicState(SHARDS, large=False, large_after=None),
    }
    assert subscriptions.topics_with_subscribers("other", topics) == {}
    assert subscriptions.topics_with_subscribers("acme", []) == {}


@pytest.mark.parametrize("unprocessed", [0, 40])
def test_topics_are_read_a_hundred_at_once_whatever_is_left_for_later(
    client: Any, connections: DynamoConnections, unprocessed: int
) -> None:
    # Given
    connections.add(a_connection())
    for number in (0, 39, 40, 99, 100, 249):
        connections.subscribe(
            a_connection(), an_item(number), SHARD, shards=SHARDS, after=0, live=True
        )
    counted = Counted(client, unprocessed=unprocessed)

    # When
    topics = [an_item(number).name for number in range(250)]
    named = subscriptions_of(counted).topics_with_subscribers("acme", topics)

    # Then
    assert set(named) == {topics[number] for number in (0, 39, 40, 99, 100, 249)}
    requests = [call["RequestItems"][CONNECTIONS] for call in counted.calls]
    assert all(request["ConsistentRead"] and len(request["Keys"]) <= 100 for request in requests)
    assert len(requests) == (6 if unprocessed else 3)


def test_topics_that_are_never_read_are_an_outage(client: Any) -> None:
    class Throttled:
        def batch_get_item(self, **arguments: Any) -> Any:
            return {"Responses": {}, "UnprocessedKeys": arguments["RequestItems"]}

    with pytest.raises(DependencyUnavailable):
        subscriptions_of(Throttled()).topics_with_subscribers("acme", ["items"])


def test_pages_hold_every_subscription_of_a_shard_once(
    client: Any, connections: DynamoConnections
) -> None:
    # Given more than one answer of DynamoDB holds
    topic = an_item(1)
    expected = {f"connection-{number:04}" for number in range(30)}
    for connection_id in expected:
        connections.add(a_connection(connection_id))
        connections.subscribe(
            a_connection(connection_id), topic, 0, shards=SHARDS, after=4, live=True
        )

    class Short(Counted):
        def query(self, **arguments: Any) -> Any:
            assert arguments["Limit"] == 500
            return super().query(**{**arguments, "Limit": 12})

    short = Short(client)

    # When
    pages = []
    start: str | None = None
    while True:
        page, start = subscriptions_of(short).page("acme", topic.name, 0, start)
        pages.append(page)
        if start is None:
            break

    # Then
    assert [len(page) for page in pages] == [12, 12, 6]
    read = [subscription for page in pages for subscription in page]
    assert {subscription.connection_id for subscription in read} == expected
    assert {(one.tenant, one.topic, one.shard, one.after) for one in read} == {
        ("acme", topic.name, 0, 4)
    }
    assert all(call["ConsistentRead"] for call in short.calls)


def test_each_shard_holds_its_own_subscribers_of_a_topic(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    for number in range(40):
        connection = a_connection(f"connection-{number:02}")
        connections.add(connection)
        connections.subscribe(connection, CALLS, number % 4, shards=SHARDS, after=0, live=True)

    # When
    shards = [subscriptions.page("acme", "calls", shard, None)[0] for shard in range(4)]

    # Then
    for shard, held in enumerate(shards):
        assert [one.connection_id for one in held] == [
            f"connection-{number:02}" for number in range(shard, 40, 4)
        ]
        assert {one.shard for one in held} == {shard}


def test_what_is_skipped_is_noted_and_never_forgotten(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    behind = subscribed(connections, subscriptions, after=3, live=False)

    # When / Then an earlier one, that comes again, changes nothing
    for sequence, skipped in ((5, 5), (9, 9), (7, 9)):
        assert subscriptions.skip(behind, sequence) is None
        assert found(subscriptions) == replace(behind, skipped=skipped)


def test_who_passes_over_what_is_live_by_now_has_to_send(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions, leases: DynamoReplayLeases
) -> None:
    # Given
    behind = subscribed(connections, subscriptions, after=3, live=False)
    lease = leases.take(behind.connection_id, "acme", "items", SHARD, message_id="m1")
    assert lease is not None
    assert leases.go_live(lease, 8)

    # When
    now = subscriptions.skip(behind, 9)

    # Then
    assert now == replace(behind, state="live", after=8)
    assert found(subscriptions) == now


@pytest.mark.parametrize("first", ["sender", "replayer"])
def test_a_sender_and_the_replayer_never_both_leave_an_event_to_the_other(
    client: Any,
    connections: DynamoConnections,
    subscriptions: DynamoSubscriptions,
    leases: DynamoReplayLeases,
    first: str,
) -> None:
    # Given a replayer that is up to date with 8, while 9 is skipped
    behind = subscribed(connections, subscriptions, after=3, live=False)
    lease = leases.take(behind.connection_id, "acme", "items", SHARD, message_id="m1")
    assert lease is not None
    went_live: list[bool] = []
    has_to_send: list[Subscription | None] = []

    # When one comes in between the other
    if first == "sender":
        slower = Interrupted(
            client, "update_item", lambda: has_to_send.append(subscriptions.skip(behind, 9))
        )
        slow_leases = DynamoReplayLeases(table_of(slower), clock=lambda: NOW)
        went_live.append(slow_leases.go_live(lease, 8))
    else:
        slower = Interrupted(
            client, "update_item", lambda: went_live.append(leases.go_live(lease, 8))
        )
        has_to_send.append(subscriptions_of(slower).skip(behind, 9))

    # Then either of them knows that it has to send it
    assert went_live == [first == "replayer"]
    assert [one is not None for one in has_to_send] == [first == "replayer"]


def test_nothing_is_skipped_of_who_is_gone(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    behind = subscribed(connections, subscriptions, after=3, live=False)
    connections.remove(behind.connection_id)

    # When / Then
    assert subscriptions.skip(behind, 9) is None
    assert not subscriptions.fall_behind(behind, 9)
    assert subscriptions.find(behind.connection_id, "acme", "items", SHARD) is None


def test_a_live_subscription_falls_behind_once(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    live = subscribed(connections, subscriptions, after=3, live=True)

    # When
    outcomes = [subscriptions.fall_behind(live, 5), subscriptions.fall_behind(live, 9)]

    # Then
    assert outcomes == [True, False]
    assert found(subscriptions) == replace(live, state="behind", after=5)


def test_of_two_senders_that_let_it_fall_behind_at_once_the_first_counts(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    live = subscribed(connections, subscriptions, after=3, live=True)
    slower = Interrupted(client, "update_item", lambda: subscriptions.fall_behind(live, 5))

    # When
    fell = subscriptions_of(slower).fall_behind(live, 9)

    # Then what the first did not send is sent again
    assert not fell
    assert found(subscriptions) == replace(live, state="behind", after=5)


def test_a_subscription_that_was_brought_further_does_not_fall_back(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given a sender that knows of an earlier subscription
    earlier = subscribed(connections, subscriptions, after=3, live=True)
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=12, live=True)

    # When
    fell = subscriptions.fall_behind(earlier, 5)

    # Then
    assert not fell
    assert found(subscriptions) == replace(earlier, after=12)


def test_a_topic_becomes_large_once(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    subscribed(connections, subscriptions, after=0, live=True)

    # When
    subscriptions.make_large("acme", "items", 41)
    subscriptions.make_large("acme", "items", 52)

    # Then
    named = subscriptions.topics_with_subscribers("acme", ["items"])
    assert named == {"items": TopicState(SHARDS, large=True, large_after=41)}


def test_a_topic_without_subscribers_does_not_become_large(
    subscriptions: DynamoSubscriptions,
) -> None:
    # When
    subscriptions.make_large("acme", "items", 41)

    # Then
    assert subscriptions.topics_with_subscribers("acme", ["items"]) == {}


def test_all_are_kept_where_the_environment_says(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("CONNECTIONS_TABLE", CONNECTIONS)

    # When
    connections = DynamoConnections.from_environment()
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=3, live=False)

    # Then
    assert found(DynamoSubscriptions.from_environment()).after == 3
    leases = DynamoReplayLeases.from_environment()
    assert leases.take(a_connection().id, "acme", "items", SHARD, message_id="m1") is not None
