"""Connections and their subscriptions in DynamoDB, whoever changes them at once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.connections import (
    Connection,
    ConnectionChanged,
    ConnectionGone,
    TooManyTopics,
    TopicState,
)
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.limits import TOPICS_PER_CONNECTION
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
    from collections.abc import Callable, Iterator

    from itemstream.realtime.topics import Topic


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


def connections_of(client: Any, *, now: int = NOW) -> DynamoConnections:
    table = ConnectionsTable(client, CONNECTIONS, pause=lambda _: None)
    return DynamoConnections(table, clock=lambda: now)


@pytest.fixture
def connections(client: Any) -> DynamoConnections:
    return connections_of(client)


@pytest.fixture
def subscriptions(client: Any) -> DynamoSubscriptions:
    return DynamoSubscriptions(ConnectionsTable(client, CONNECTIONS))


def found(connections: DynamoConnections, connection: Connection) -> Connection:
    now = connections.find(connection.id)
    assert now is not None
    return now


def rows(client: Any, prefix: str = "") -> list[dict[str, Any]]:
    everything = client.scan(TableName=CONNECTIONS, ConsistentRead=True)["Items"]
    return [row for row in everything if row["pk"]["S"].startswith(prefix)]


def of_connection(client: Any) -> list[dict[str, Any]]:
    """All rows but those of topics, which belong to nobody."""
    return [row for row in rows(client) if not row["pk"]["S"].startswith("topics#")]


def test_a_connection_is_found_as_it_was_added(connections: DynamoConnections) -> None:
    # When
    connections.add(a_connection())

    # Then
    assert connections.find(a_connection().id) == a_connection()
    assert connections.find("another") is None


def test_a_connection_goes_by_itself_soon_after_two_hours(
    client: Any, connections: DynamoConnections
) -> None:
    # When
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=7, live=True)

    # Then its subscription goes with it, and the topic later
    lifetimes = {
        row["pk"]["S"].partition("#")[0]: int(row["expires_at"]["N"]) - NOW for row in rows(client)
    }
    assert lifetimes == {"connection": 7800, "topic": 7800, "topics": 24 * 3600}


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("topic", [ITEMS, CALLS, an_item(1)])
def test_a_subscription_is_found_by_who_sends(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions, topic: Topic, live: bool
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)

    # When
    connections.subscribe(connection, topic, SHARD, shards=SHARDS, after=7, live=live)

    # Then
    subscription = subscriptions.find(connection.id, "acme", topic.name, SHARD)
    assert subscription is not None
    assert subscription.state == ("live" if live else "behind")
    assert (subscription.after, subscription.skipped) == (7, None)
    assert subscription.ends_at == connection.ends_at
    assert subscriptions.page("acme", topic.name, SHARD, None) == ([subscription], None)
    assert found(connections, connection).topics == {topic.name: SHARD}
    # And nobody else's
    assert subscriptions.find("another", "acme", topic.name, SHARD) is None
    assert subscriptions.find(connection.id, "other", topic.name, SHARD) is None
    assert subscriptions.page("other", topic.name, SHARD, None) == ([], None)


def test_a_topic_is_known_before_its_first_subscriber(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connections.add(a_connection())
    known: list[TopicState] = []
    watched = connections_of(
        Interrupted(
            client,
            "transact_write_items",
            lambda: known.append(subscriptions.topics_with_subscribers("acme", ["items"])["items"]),
        )
    )

    # When
    watched.subscribe(a_connection(), ITEMS, SHARD, shards=SHARDS, after=0, live=True)

    # Then
    assert known == [TopicState(SHARDS, large=False, large_after=None)]


@pytest.mark.parametrize(("shards", "then"), [(8, 8), (9, 9), (20, 20), (1, 8)])
def test_senders_look_in_more_shards_before_one_has_a_subscriber_and_never_in_fewer(
    client: Any,
    connections: DynamoConnections,
    subscriptions: DynamoSubscriptions,
    shards: int,
    then: int,
) -> None:
    # Given a topic with a subscriber in one of eight shards
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, 7, shards=8, after=0, live=True)
    connections.add(a_connection("another"))
    known: list[int] = []
    watched = connections_of(
        Interrupted(
            client,
            "transact_write_items",
            lambda: known.append(
                subscriptions.topics_with_subscribers("acme", ["items"])["items"].shards
            ),
        )
    )

    # When another one comes, by a function that was deployed with another number
    watched.subscribe(a_connection("another"), ITEMS, 0, shards=shards, after=0, live=True)

    # Then
    assert known == [then]


def test_a_topic_that_does_not_say_its_shards_has_those_of_before(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, 0, shards=1, after=0, live=True)
    client.update_item(
        TableName=CONNECTIONS,
        Key={"pk": {"S": "topics#acme"}, "sk": {"S": "items"}},
        UpdateExpression="REMOVE shards",
    )
    assert subscriptions.topics_with_subscribers("acme", ["items"])["items"].shards == 8

    # When
    connections.add(a_connection("another"))
    connections.subscribe(a_connection("another"), ITEMS, 11, shards=12, after=0, live=True)

    # Then
    assert subscriptions.topics_with_subscribers("acme", ["items"])["items"].shards == 12


@pytest.mark.parametrize(("hours", "written"), [(11, False), (13, True)])
def test_a_topic_stays_known_while_there_are_subscribers(
    client: Any, hours: int, written: bool
) -> None:
    # Given a topic that is large
    connections_of(client).add(a_connection())
    connections_of(client).subscribe(
        a_connection(), ITEMS, SHARD, shards=SHARDS, after=0, live=True
    )
    client.update_item(
        TableName=CONNECTIONS,
        Key={"pk": {"S": "topics#acme"}, "sk": {"S": "items"}},
        UpdateExpression="SET #large = :large",
        ExpressionAttributeNames={"#large": "large"},
        ExpressionAttributeValues={":large": {"BOOL": True}},
    )

    # When it gets another subscriber some hours later
    later = NOW + hours * 3600
    connection = a_connection("later", connected_at=later, ends_at=later + 60)
    connections_of(client).add(connection)
    connections_of(client, now=later).subscribe(
        connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True
    )

    # Then it is written again if its time is half over, and is still large
    (topic,) = rows(client, "topics#")
    assert int(topic["expires_at"]["N"]) == (later if written else NOW) + 24 * 3600
    assert topic["large"] == {"BOOL": True}


def test_subscribing_again_begins_anew(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given a subscription that is behind
    connection = a_connection()
    connections.add(connection)
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=3, live=False)
    behind = subscriptions.find(connection.id, "acme", "items", SHARD)
    assert behind is not None
    subscriptions.skip(behind, 9)

    # When
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=12, live=True)

    # Then
    subscription = subscriptions.find(connection.id, "acme", "items", SHARD)
    assert subscription == replace(behind, state="live", after=12, skipped=None)
    assert len(rows(client, "topic#")) == 1


def test_subscribing_anew_leaves_nothing_in_the_shard_of_before(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, 3, shards=SHARDS, after=3, live=False)

    # When
    connections.subscribe(
        found(connections, a_connection()), ITEMS, 11, shards=SHARDS, after=12, live=True
    )

    # Then
    assert found(connections, a_connection()).topics == {"items": 11}
    moved = subscriptions.find(a_connection().id, "acme", "items", 11)
    assert moved
    assert (moved.shard, moved.after) == (11, 12)
    assert len(rows(client, "topic#")) == 1


def test_who_did_not_see_that_a_subscription_moved_decides_anew(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, 3, shards=SHARDS, after=0, live=True)
    before = found(connections, a_connection())
    connections.subscribe(before, ITEMS, 11, shards=SHARDS, after=0, live=True)

    # When / Then
    with pytest.raises(ConnectionChanged):
        connections.subscribe(before, ITEMS, 7, shards=SHARDS, after=0, live=True)
    with pytest.raises(ConnectionChanged):
        connections.subscribe(a_connection(), ITEMS, 7, shards=SHARDS, after=0, live=True)
    assert [row["pk"]["S"] for row in rows(client, "topic#")] == ["topic#acme#items#11"]


def test_a_connection_has_fifty_topics_and_no_more(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    for number in range(TOPICS_PER_CONNECTION):
        connections.subscribe(connection, an_item(number), SHARD, shards=SHARDS, after=0, live=True)

    # When / Then
    with pytest.raises(TooManyTopics):
        connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    assert len(rows(client, "topic#")) == TOPICS_PER_CONNECTION

    # One of the fifty may be had anew, and another in its place
    connections.subscribe(connection, an_item(7), SHARD, shards=SHARDS, after=5, live=True)
    connections.unsubscribe(connection, an_item(7))
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    assert len(found(connections, connection).topics) == TOPICS_PER_CONNECTION
    connections.remove(connection.id)
    assert of_connection(client) == []


def test_of_two_that_subscribe_at_once_one_gets_the_last_place(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    for number in range(TOPICS_PER_CONNECTION - 1):
        connections.subscribe(connection, an_item(number), SHARD, shards=SHARDS, after=0, live=True)
    slower = connections_of(
        Interrupted(
            client,
            "transact_write_items",
            lambda: connections.subscribe(
                connection, CALLS, SHARD, shards=SHARDS, after=0, live=True
            ),
        )
    )

    # When / Then
    with pytest.raises(TooManyTopics):
        slower.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    topics = found(connections, connection).topics
    assert len(topics) == TOPICS_PER_CONNECTION
    assert "calls" in topics
    assert "items" not in topics


def test_two_topics_that_are_subscribed_to_at_once_are_both_kept(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    slower = connections_of(
        Interrupted(
            client,
            "transact_write_items",
            lambda: connections.subscribe(
                connection, CALLS, SHARD, shards=SHARDS, after=0, live=True
            ),
        )
    )

    # When
    slower.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)

    # Then
    assert set(found(connections, connection).topics) == {"calls", "items"}
    assert len(rows(client, "topic#")) == 2


def test_who_is_gone_can_neither_subscribe_nor_unsubscribe_nor_renew(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection = a_connection()

    # When / Then
    with pytest.raises(ConnectionGone):
        connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    with pytest.raises(ConnectionGone):
        connections.unsubscribe(connection, ITEMS)
    with pytest.raises(ConnectionGone):
        connections.renew(connection)
    assert connections.count_message(connection.id, NOW) is None
    assert connections.count_violation(connection.id, NOW) == 0
    assert of_connection(client) == []


def test_unsubscribing_ends_one_subscription_and_may_be_repeated(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connection, another = a_connection(), a_connection("another")
    for one in (connection, another):
        connections.add(one)
        connections.subscribe(one, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    connections.subscribe(connection, CALLS, SHARD, shards=SHARDS, after=0, live=True)

    # When
    connections.unsubscribe(connection, ITEMS)
    connections.unsubscribe(connection, ITEMS)

    # Then
    assert set(found(connections, connection).topics) == {"calls"}
    assert subscriptions.find(connection.id, "acme", "items", SHARD) is None
    assert subscriptions.find(another.id, "acme", "items", SHARD) is not None


@pytest.mark.parametrize("seen", [{}, {"items": 3}])
def test_unsubscribing_ends_a_subscription_wherever_it_is(
    client: Any, connections: DynamoConnections, seen: dict[str, int]
) -> None:
    # Given
    connections.add(a_connection())
    connections.subscribe(a_connection(), ITEMS, 11, shards=SHARDS, after=0, live=True)

    # When
    connections.unsubscribe(a_connection(topics=seen), ITEMS)

    # Then
    assert found(connections, a_connection()).topics == {}
    assert rows(client, "topic#") == []


def test_unsubscribing_from_what_never_stands_still_ends_in_time(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connections.add(a_connection())
    shards = itertools.count()

    class Restless:
        def __getattr__(self, name: str) -> Any:
            now = found(connections, a_connection())
            connections.subscribe(now, ITEMS, next(shards), shards=SHARDS, after=0, live=True)
            return getattr(client, name)

    # When / Then
    with pytest.raises(DependencyUnavailable):
        connections_of(Restless()).unsubscribe(a_connection(topics={"items": 99}), ITEMS)
    assert len(rows(client, "topic#")) == 1


def test_removing_leaves_nothing_of_a_connection_and_all_of_others(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection, another = a_connection(), a_connection("another", tenant="other")
    for one in (connection, another):
        connections.add(one)
        connections.subscribe(one, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
        connections.subscribe(one, an_item(1), SHARD, shards=SHARDS, after=0, live=False)

    # When it is removed, and removed again
    connections.remove(connection.id)
    connections.remove(connection.id)

    # Then
    left = of_connection(client)
    assert len(left) == 3
    assert all("another" in str(row["pk"]) + str(row["sk"]) for row in left)
    assert connections.find(connection.id) is None


@pytest.mark.parametrize("moment", ["get_item", "batch_write_item", "delete_item"])
@pytest.mark.parametrize("after", [True, False])
def test_removing_leaves_nothing_of_who_subscribes_meanwhile(
    client: Any, connections: DynamoConnections, moment: str, after: bool
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    refused: list[ConnectionGone] = []

    def subscribe() -> None:
        try:
            connections.subscribe(connection, CALLS, SHARD, shards=SHARDS, after=0, live=True)
        except ConnectionGone as gone:
            refused.append(gone)

    removing = connections_of(Interrupted(client, moment, subscribe, after=after))

    # When
    removing.remove(connection.id)

    # Then
    assert of_connection(client) == []
    assert len(refused) == (moment == "delete_item" and after)


def test_subscribing_leaves_nothing_of_who_is_removed_meanwhile(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    slower = connections_of(
        Interrupted(client, "transact_write_items", lambda: connections.remove(connection.id))
    )

    # When / Then
    with pytest.raises(ConnectionGone):
        slower.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    assert of_connection(client) == []


def test_who_is_interrupted_while_removing_is_followed_by_another(
    client: Any, connections: DynamoConnections
) -> None:
    # Given somebody who dies with the subscriptions deleted and the connection not
    connection = a_connection()
    connections.add(connection)
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connections_of(Interrupted(client, "delete_item", die)).remove(connection.id)
    assert len(of_connection(client)) == 1

    # When
    connections.remove(connection.id)

    # Then
    assert of_connection(client) == []


def test_renewing_moves_the_end_of_the_connection_and_its_subscriptions(
    connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=3, live=True)
    connections.subscribe(connection, an_item(1), SHARD, shards=SHARDS, after=4, live=False)

    # When
    renewed = replace(found(connections, connection), ends_at=NOW + 7200, ends_by="age")
    connections.renew(renewed)

    # Then
    assert found(connections, connection) == renewed
    live = subscriptions.find(connection.id, "acme", "items", SHARD)
    behind = subscriptions.find(connection.id, "acme", an_item(1).name, SHARD)
    assert live is not None
    assert behind is not None
    assert (live.state, live.after, live.ends_at) == ("live", 3, NOW + 7200)
    assert (behind.state, behind.after, behind.ends_at) == ("behind", 4, NOW + 7200)


def test_renewing_drops_the_topics_that_are_not_permitted_any_more(
    client: Any, connections: DynamoConnections, subscriptions: DynamoSubscriptions
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    for topic in (ITEMS, CALLS, an_item(1)):
        connections.subscribe(connection, topic, SHARD, shards=SHARDS, after=0, live=True)

    # When
    now = found(connections, connection)
    fewer = replace(
        now,
        scopes=frozenset({"realtime:connect", "calls:read"}),
        topics={"calls": now.topics["calls"]},
    )
    connections.renew(fewer)

    # Then
    assert found(connections, connection) == fewer
    assert len(rows(client, "topic#")) == 1
    assert subscriptions.find(connection.id, "acme", "calls", SHARD) is not None


def test_fifty_topics_are_renewed_at_once(client: Any, connections: DynamoConnections) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    for number in range(TOPICS_PER_CONNECTION):
        connections.subscribe(connection, an_item(number), SHARD, shards=SHARDS, after=0, live=True)

    # When
    connections.renew(replace(found(connections, connection), ends_at=NOW + 7200))

    # Then
    ends = {row["ends_at"]["N"] for row in of_connection(client)}
    assert ends == {str(NOW + 7200)}


@pytest.mark.parametrize("moment", ["get_item", "transact_write_items"])
def test_what_was_decided_before_a_topic_came_is_not_kept(
    client: Any, connections: DynamoConnections, moment: str
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    slower = connections_of(
        Interrupted(
            client,
            moment,
            lambda: connections.subscribe(
                connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True
            ),
        )
    )

    # When / Then
    with pytest.raises(ConnectionChanged):
        slower.renew(replace(connection, ends_at=NOW + 7200))
    assert found(connections, connection).ends_at == connection.ends_at

    # And what is decided again is
    connections.renew(replace(found(connections, connection), ends_at=NOW + 7200))
    assert {row["ends_at"]["N"] for row in of_connection(client)} == {str(NOW + 7200)}


@pytest.mark.parametrize(
    "changes", [{"ends_at": NOW + 7200}, {"scopes": frozenset({"calls:read"})}]
)
def test_nobody_subscribes_by_a_permission_that_has_changed_meanwhile(
    client: Any, connections: DynamoConnections, changes: dict[str, Any]
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    slower = connections_of(
        Interrupted(
            client,
            "transact_write_items",
            lambda: connections.renew(replace(connection, **changes)),
        )
    )

    # When / Then
    with pytest.raises(ConnectionChanged):
        slower.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    assert rows(client, "topic#") == []

    # And by the new one
    connections.subscribe(
        found(connections, connection), CALLS, SHARD, shards=SHARDS, after=0, live=True
    )
    (subscription,) = rows(client, "topic#")
    assert subscription["ends_at"] == {"N": str(changes.get("ends_at", connection.ends_at))}


def test_renewing_brings_nothing_back_of_who_is_removed_meanwhile(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)
    connections.subscribe(connection, ITEMS, SHARD, shards=SHARDS, after=0, live=True)
    connection = found(connections, connection)
    slower = connections_of(
        Interrupted(client, "transact_write_items", lambda: connections.remove(connection.id))
    )

    # When / Then
    with pytest.raises(ConnectionGone):
        slower.renew(replace(connection, ends_at=NOW + 7200))
    assert of_connection(client) == []


def test_messages_are_counted_second_by_second(connections: DynamoConnections) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)

    def count(now: int) -> int:
        activity = connections.count_message(connection.id, now)
        assert activity is not None
        assert activity.connection == connection
        return activity.messages_in_window

    # When / Then
    assert [count(NOW), count(NOW), count(NOW)] == [1, 2, 3]
    assert [count(NOW + 1), count(NOW + 1)] == [1, 2]
    # A clock that is slower counts with the others
    assert count(NOW) == 3
    assert count(NOW + 2) == 1


def test_messages_that_come_at_once_are_all_counted(
    client: Any, connections: DynamoConnections
) -> None:
    # Given
    connections.add(a_connection())
    slower = connections_of(
        Interrupted(
            client, "update_item", lambda: connections.count_message(a_connection().id, NOW)
        )
    )

    # When
    activity = slower.count_message(a_connection().id, NOW)

    # Then
    assert activity is not None
    assert activity.messages_in_window == 2


@pytest.mark.parametrize("counted", ["count_message", "count_violation"])
def test_counting_brings_nothing_back_of_who_is_removed_meanwhile(
    client: Any, connections: DynamoConnections, counted: str
) -> None:
    # Given somebody who goes between the two calls of counting once more
    connection = a_connection()
    connections.add(connection)
    getattr(connections, counted)(connection.id, NOW)

    class RemovedBeforeTheSecond:
        def update_item(self, **arguments: Any) -> Any:
            if arguments["UpdateExpression"].startswith("ADD"):
                connections.remove(connection.id)
            return client.update_item(**arguments)

    # When
    answer = getattr(connections_of(RemovedBeforeTheSecond()), counted)(connection.id, NOW)

    # Then
    assert not answer
    assert rows(client) == []


def test_violations_are_counted_for_a_minute(connections: DynamoConnections) -> None:
    # Given
    connection = a_connection()
    connections.add(connection)

    # When / Then
    assert [connections.count_violation(connection.id, NOW + second) for second in (0, 1, 59)] == [
        1,
        2,
        3,
    ]
    before = connections.count_message(connection.id, NOW + 59)
    assert before is not None
    assert before.violations == 3
    after = connections.count_message(connection.id, NOW + 60)
    assert after is not None
    assert after.violations == 0
    assert connections.count_violation(connection.id, NOW + 60) == 1


def conflict(operation: str) -> ClientError:
    if operation == "transact_write_items":
        response: dict[str, Any] = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
        }
    else:
        response = {"Error": {"Code": "TransactionConflictException"}}
    return ClientError(response, operation)  # type: ignore[arg-type]


class Conflicting:
    """A client whose first calls of one kind meet another transaction."""

    def __init__(self, client: Any, operation: str, times: int) -> None:
        self._client = client
        self._operation = operation
        self.left = times

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            if name == self._operation and self.left:
                self.left -= 1
                raise conflict(name)
            return getattr(self._client, name)(**arguments)

        return call


CONFLICTS: dict[str, Callable[[DynamoConnections], Any]] = {
    "transact_write_items": lambda one: one.subscribe(
        a_connection(), ITEMS, SHARD, shards=SHARDS, after=0, live=True
    ),
    "update_item": lambda one: one.count_message(a_connection().id, NOW),
    "delete_item": lambda one: one.remove(a_connection().id),
}


@pytest.mark.parametrize("operation", CONFLICTS)
def test_a_transaction_in_the_way_is_waited_for(
    client: Any, connections: DynamoConnections, operation: str
) -> None:
    # Given
    connections.add(a_connection())
    conflicting = Conflicting(client, operation, 3)

    # When
    CONFLICTS[operation](connections_of(conflicting))

    # Then
    assert conflicting.left == 0
    done = [(row["messages"]["N"], len(row["topics"]["M"])) for row in rows(client, "connection#")]
    assert (
        done
        == {
            "transact_write_items": [("0", 1)],
            "update_item": [("1", 0)],
            "delete_item": [],
        }[operation]
    )


@pytest.mark.parametrize("operation", CONFLICTS)
def test_a_transaction_that_stays_in_the_way_is_an_outage(
    client: Any, connections: DynamoConnections, operation: str
) -> None:
    # Given
    connections.add(a_connection())
    conflicting = Conflicting(client, operation, 1000)

    # When / Then
    with pytest.raises(DependencyUnavailable):
        CONFLICTS[operation](connections_of(conflicting))


def test_an_error_of_ours_stays_one(client: Any) -> None:
    # Given a table that is not there
    table = ConnectionsTable(client, "another", pause=lambda _: None)

    # When / Then
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        DynamoConnections(table).subscribe(
            a_connection(), ITEMS, SHARD, shards=SHARDS, after=0, live=True
        )
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        table.transact([{"Delete": {"TableName": "another", "Key": {"pk": {"S": "x"}}}}])
