"""What SNS is asked, and what its answers mean."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.notifications.model import Notification, OutcomeUnknown
from itemstream.notifications.sns import SnsTopic
from tests.fakes.notified_events import cloud_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARN = "arn:aws:sns:us-east-1:123456789012:itemstream-test-notifications"


def notification(event: dict[str, Any] | None = None) -> Notification:
    event = event or cloud_event("image.failed", tenant="acme")
    return Notification(event, "warning", "A subject", "A größer text\n", "<p>A page</p>")


@pytest.fixture
def from_environment(aws: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SnsTopic]:
    """Make the topic as the function does, with SNS at an address."""
    monkeypatch.setenv("NOTIFICATIONS_TOPIC_ARN", ARN)

    def make(endpoint: str) -> SnsTopic:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", endpoint)
        return SnsTopic.from_environment()

    return make


@pytest.fixture
def silent() -> Iterator[tuple[str, list[bytes]]]:
    """Serve a service that takes each request and closes the connection without an answer."""
    asked: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.close_connection = True

        def log_message(self, *arguments: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_each_protocol_gets_what_suits_it(
    topic_arn: str, delivered: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("NOTIFICATIONS_TOPIC_ARN", topic_arn)

    # When
    SnsTopic.from_environment().publish(notification())

    # Then
    (message,) = delivered()
    assert message["Subject"] == "A subject"
    document = json.loads(message["Message"])
    assert document["subject"] == "A subject"
    assert document["text"] == "A größer text\n"
    assert document["html"] == "<p>A page</p>"
    assert document["event"]["type"] == "image.failed"
    assert {name: value["Value"] for name, value in message["MessageAttributes"].items()} == {
        "tenant": "acme",
        "type": "image.failed",
        "severity": "warning",
    }


def asked_for(notified: Notification) -> dict[str, str]:
    """Return the messages by protocol that SNS is asked to publish."""
    client = botocore.session.Session().create_client("sns", region_name="us-east-1")
    seen: list[str] = []
    client.meta.events.register(
        "before-parameter-build.sns.Publish",
        lambda params, **_: seen.append(params["Message"]),
    )
    with Stubber(client) as stubber:
        expected = dict.fromkeys(
            ("TopicArn", "Subject", "Message", "MessageStructure", "MessageAttributes"), ANY
        )
        stubber.add_response("publish", {"MessageId": "1"}, expected)
        SnsTopic(client, ARN).publish(notified)
    assert len(seen[0].encode()) < 262_144
    return dict(json.loads(seen[0]))


def test_mail_is_text_and_programs_get_a_document(aws: None) -> None:
    # When
    messages = asked_for(notification())

    # Then
    assert messages["default"] == "A größer text\n"
    assert messages.keys() == {"default", "sqs", "https", "lambda"}
    assert messages["sqs"] == messages["https"] == messages["lambda"]


def test_an_event_that_is_too_large_is_told_of_without_its_data(aws: None) -> None:
    # Given an event that fits the bus, but not three times into a message
    event = cloud_event(data={"name": "x" * 100_000})

    # When
    document = json.loads(asked_for(notification(event))["sqs"])

    # Then it says where to read it
    assert "data" not in document["event"]
    assert document["event"]["id"] == event["id"]
    assert document["event"]["dataref"] == f"items/{event['subject']}"
    assert document["text"] == "A größer text\n"


def answering(code: str, status: int) -> SnsTopic:
    client = botocore.session.Session().create_client("sns", region_name="us-east-1")
    stubber = Stubber(client)
    stubber.add_client_error("publish", code, "as the test wants", status)
    stubber.activate()
    return SnsTopic(client, ARN)


@pytest.mark.parametrize(
    "code", ["InvalidParameter", "InvalidParameterValue", "ValidationException"]
)
def test_what_is_wrong_with_a_message_stays_wrong(aws: None, code: str) -> None:
    with pytest.raises(Refused, match=f"SNS refuses it: .*{code}.*as the test wants"):
        answering(code, 400).publish(notification())


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("Throttled", 429),
        ("ThrottlingException", 400),
        ("KMSThrottling", 400),
    ],
)
def test_what_passes_is_tried_again(aws: None, code: str, status: int) -> None:
    with pytest.raises(DependencyUnavailable, match="SNS"):
        answering(code, status).publish(notification())


@pytest.mark.parametrize("code", ["AuthorizationError", "NotFound", "KMSAccessDenied"])
def test_what_is_wrong_with_the_topic_stays_visible_as_it_is(aws: None, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        answering(code, 403).publish(notification())


def test_a_topic_that_cannot_be_reached_was_not_asked(
    from_environment: Callable[[str], SnsTopic],
) -> None:
    # Given a port that nobody listens on
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        topic = from_environment(f"http://127.0.0.1:{unused.getsockname()[1]}")

        # When / Then
        with pytest.raises(DependencyUnavailable):
            topic.publish(notification())


def test_a_topic_that_was_asked_and_does_not_answer_is_asked_once(
    from_environment: Callable[[str], SnsTopic], silent: tuple[str, list[bytes]]
) -> None:
    # Given
    endpoint, asked = silent

    # When / Then
    with pytest.raises(OutcomeUnknown, match="did not answer"):
        from_environment(endpoint).publish(notification())
    assert len(asked) == 1


def test_an_idle_connection_is_not_trusted(aws: None) -> None:
    # Given
    class Client:
        calls: list[str] = []  # noqa: RUF012

        def close(self) -> None:
            self.calls.append("close")

        def publish(self, **_: Any) -> None:
            self.calls.append("publish")

    # When it is made at 0 s, and publishes at 1 s, at 2 s and at 9 s, each in no time
    times = iter([0.0, 1.0, 1.0, 2.0, 2.0, 9.0, 9.0])
    topic = SnsTopic(Client(), ARN, clock=lambda: next(times))
    for _ in range(3):
        topic.publish(notification())

    # Then only the last asks for a new connection
    assert Client.calls == ["publish", "publish", "close", "publish"]
