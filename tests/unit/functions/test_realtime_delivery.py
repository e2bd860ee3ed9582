"""The functions that send to sockets, as Lambda calls them, on tables, queues and an endpoint."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import to_item
from itemstream.events.envelope import sequence_text
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.leases_dynamodb import DynamoShardLeases
from itemstream.realtime.replays import ATTEMPTS_AT_A_CLIENT
from itemstream.realtime.subscriptions_dynamodb import DynamoSubscriptions
from itemstream.realtime.topics import Topic
from tests.fakes.event_sources import queue_message, stream_record
from tests.fakes.events import an_event
from tests.fakes.gateway import LambdaContext
from tests.fakes.realtime import a_connection
from tests.fakes.tables import CONNECTIONS, EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUEUES = ("replays", "topic-deliveries", "connection-endings", "dead-letters")
DONE: dict[str, Any] = {"batchItemFailures": []}
SHARDS = 2
SHARD = 1


class Endpoint:
    """API Gateway's management endpoint; it keeps what is posted."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[str] = []
        self.statuses: dict[str, int] = {}
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = endpoint.statuses.get(self.connection_id, 200)
                if status == 200:
                    endpoint.posted.append((self.connection_id, json.loads(body)))
                self.answer(status)

            def do_DELETE(self) -> None:
                endpoint.deleted.append(self.connection_id)
                self.answer(204)

            @property
            def connection_id(self) -> str:
                return unquote(self.path.rpartition("/")[2])

            def answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/local"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    started = Endpoint()
    yield started
    started.stop()


@pytest.fixture
def function(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint
) -> Iterator[Callable[[str], Any]]:
    """Return a function that loads one of these functions; what it opens is closed afterwards."""
    for name, value in {
        "CONNECTIONS_TABLE": CONNECTIONS,
        "EVENTS_TABLE": EVENTS,
        "REALTIME_SHARDS": str(SHARDS),
        "REALTIME_ENDPOINT": endpoint.url,
        "AWS_REGION": "us-east-1",
        "REPLAYS_QUEUE": "replays",
        "TOPIC_DELIVERIES_QUEUE": "topic-deliveries",
        "CONNECTION_ENDINGS_QUEUE": "connection-endings",
        "DEAD_LETTERS_QUEUE": "dead-letters",
        "MAX_RECEIVE_COUNT": "60",
    }.items():
        monkeypatch.setenv(name, value)
    for queue in QUEUES:
        aws_client("sqs").create_queue(QueueName=queue)
    modules: list[Any] = []

    def loaded(name: str) -> Any:
        modules.append(load(f"functions.realtime.{name}"))
        return modules[-1]

    yield loaded
    for module in modules:
        # A function's connections are kept for its next invocation; here there is none.
        sockets = module.sockets if hasattr(module, "sockets") else module.ports.sockets
        module.runner.run(sockets.aclose())
        module.runner.close()


def subscribed(connection_id: str, *, tenant: str = "acme", after: int, live: bool = True) -> None:
    connections = DynamoConnections.from_environment()
    connection = a_connection(connection_id, tenant=tenant)
    connections.add(connection)
    connections.subscribe(
        connection, Topic.parse("items"), SHARD, shards=SHARDS, after=after, live=live
    )


def subscription(connection_id: str) -> Any:
    return DynamoSubscriptions.from_environment().find(connection_id, "acme", "items", SHARD)


def logged(place: int, tenant: str = "acme") -> dict[str, Any]:
    """Put an event into the log; return its stream record."""
    event = an_event(place, tenant=tenant)
    row = {
        "pk": tenant,
        "sk": sequence_text(place),
        "kind": "event",
        "topic": event.topic,
        "event": event.document(place),
    }
    client = aws_client("dynamodb")
    client.put_item(TableName=EVENTS, Item=to_item(row))
    head = {"pk": f"head#{tenant}", "sk": "head", "next": place + 1, "kind": "head"}
    client.put_item(TableName=EVENTS, Item=to_item(head))
    return stream_record(EVENTS, row)


def messages(queue: str) -> list[Any]:
    url = aws_client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    found = aws_client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def given(module: Any, *records: dict[str, Any]) -> Any:
    return module.handler({"Records": list(records)}, LambdaContext())


def asked(receives: int = 1, **body: Any) -> dict[str, Any]:
    return queue_message(json.dumps(body), queue="replays", receives=receives)


def sequences(endpoint: Endpoint, connection_id: str) -> list[int]:
    return [
        int(event["sequence"])
        for one, frame in endpoint.posted
        if one == connection_id
        for event in frame.get("events", ())
    ]


def test_the_broadcaster_sends_what_was_appended(
    function: Callable[[str], Any], endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given
    broadcaster = function("broadcaster")
    subscribed("Abc+1/d=", after=0)
    subscribed("theirs=", tenant="other", after=0)
    subscribed("gone=", after=0)
    endpoint.statuses["gone="] = 410
    head = stream_record(EVENTS, {"pk": "head#acme", "sk": "head", "next": 2, "kind": "head"})

    # When
    answer = given(broadcaster, head, logged(1), logged(2), logged(1, "other"))

    # Then
    assert answer == DONE
    assert sequences(endpoint, "Abc+1/d=") == [1, 2]
    assert sequences(endpoint, "theirs=") == [1]
    assert subscription("gone=") is None
    written = capsys.readouterr().out
    assert '"FramesSent":[2.0]' in written
    assert '"SocketsGone":[1.0]' in written
    assert '"DeliveryLag"' in written


def test_a_tenant_that_cannot_be_sent_to_comes_again_from_its_first_event(
    function: Callable[[str], Any], endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    broadcaster = function("broadcaster")
    subscribed("ours=", after=0)
    subscribed("theirs=", tenant="other", after=0)
    page = DynamoSubscriptions.page

    def failing(self: DynamoSubscriptions, tenant: str, *more: Any) -> Any:
        if tenant == "other":
            raise DependencyUnavailable("DynamoDB")
        return page(self, tenant, *more)

    monkeypatch.setattr(DynamoSubscriptions, "page", failing)
    theirs = logged(1, "other")

    # When
    answer = given(broadcaster, logged(1), theirs, logged(2))

    # Then
    number = theirs["dynamodb"]["SequenceNumber"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert sequences(endpoint, "ours=") == [1, 2]


def test_a_large_topic_is_sent_to_through_its_queue(
    function: Callable[[str], Any], endpoint: Endpoint
) -> None:
    # Given
    broadcaster, sender = function("broadcaster"), function("topic_sender")
    for number in range(4):
        subscribed(f"c-{number}=", after=0)
    DynamoSubscriptions.from_environment().make_large("acme", "items", 0)

    # When
    given(broadcaster, logged(1), logged(2))
    assert endpoint.posted == []
    due = messages("topic-deliveries")
    answer = given(sender, *(asked(**message) for message in due))

    # Then
    assert answer == DONE
    assert sorted(message["shard"] for message in due) == list(range(SHARDS))
    for number in range(4):
        assert sequences(endpoint, f"c-{number}=") == [1, 2]


def test_a_subscription_that_is_behind_is_replayed_to(
    function: Callable[[str], Any], endpoint: Endpoint
) -> None:
    # Given
    replayer = function("replayer")
    subscribed("c=", after=1, live=False)
    for place in (1, 2, 3):
        logged(place)

    # When
    answer = given(replayer, asked(connection_id="c=", tenant="acme", topic="items", shard=SHARD))

    # Then
    assert answer == DONE
    assert sequences(endpoint, "c=") == [2, 3]
    assert subscription("c=").state == "live"


def test_a_client_that_takes_nothing_is_tried_again_and_closed_in_the_end(
    function: Callable[[str], Any], endpoint: Endpoint
) -> None:
    # Given: API Gateway refuses the frames for good, so that no attempt takes long.
    replayer = function("replayer")
    subscribed("c=", after=0, live=False)
    logged(1)
    endpoint.statuses["c="] = 403
    message = {"connection_id": "c=", "tenant": "acme", "topic": "items", "shard": SHARD}

    # When
    again = given(replayer, asked(ATTEMPTS_AT_A_CLIENT - 1, **message))
    last = given(replayer, asked(ATTEMPTS_AT_A_CLIENT, **message))

    # Then
    assert len(again["batchItemFailures"]) == 1
    assert last == DONE
    assert endpoint.deleted == ["c="]
    assert subscription("c=") is None


def test_a_connection_is_closed_at_once_or_when_its_time_is_over(
    function: Callable[[str], Any], endpoint: Endpoint
) -> None:
    # Given
    closer = function("connection_closer")
    subscribed("abuser=", after=0)
    subscribed("c=", after=0)

    # When
    answer = given(
        closer,
        asked(connection_id="abuser=", at_once=True),
        asked(connection_id="c=", at_once=False),
        asked(connection_id="gone=", at_once=False),
    )

    # Then
    assert answer == DONE
    assert endpoint.deleted == ["abuser="]
    ((connection_id, frame),) = endpoint.posted
    assert (connection_id, frame["type"], frame["code"]) == ("abuser=", "closing", 1008)


@pytest.mark.parametrize("name", ["topic_sender", "replayer", "connection_closer"])
def test_a_message_that_asks_for_nothing_becomes_a_dead_letter(
    name: str, function: Callable[[str], Any]
) -> None:
    # When
    answer = given(function(name), asked(what="is this"))

    # Then
    assert answer == DONE
    assert messages("dead-letters") == [{"what": "is this"}]


def test_shards_are_leased_by_message(function: Callable[[str], Any], endpoint: Endpoint) -> None:
    # Given: another invocation is at the shard.
    sender = function("topic_sender")
    subscribed("c=", after=0)
    DynamoSubscriptions.from_environment().make_large("acme", "items", 0)
    leases = DynamoShardLeases.from_environment()
    leases.extend("acme", "items", SHARD, after=0, until=1)
    leases.take("acme", "items", SHARD, large_after=0, message_id="another")
    logged(1)

    # When
    answer = given(sender, asked(tenant="acme", topic="items", shard=SHARD))

    # Then
    assert answer == DONE
    assert endpoint.posted == []
