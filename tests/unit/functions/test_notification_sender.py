"""The sender of notifications, as Lambda calls it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from tests.fakes.event_sources import queue_message
from tests.fakes.gateway import LambdaContext
from tests.fakes.notified_events import ITEM, cloud_event, from_the_bus

if TYPE_CHECKING:
    from collections.abc import Callable

SUBSCRIBER = "subscriber"
DEAD_LETTERS = "itemstream-test-notifications-dead-letters"


@pytest.fixture
def send(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that hands over events; it returns which of them are to come again."""
    topic = aws_client("sns").create_topic(Name="itemstream-test-notifications")["TopicArn"]
    for queue in (SUBSCRIBER, DEAD_LETTERS, "notifications"):
        aws_client("sqs").create_queue(QueueName=queue)
    aws_client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:123456789012:{SUBSCRIBER}"
    )
    monkeypatch.setenv("NOTIFICATIONS_TOPIC_ARN", topic)
    monkeypatch.setenv("DEAD_LETTERS_QUEUE", DEAD_LETTERS)
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "5")
    module = load("functions.processors.notification_sender")

    def sent(*events: dict[str, Any], receives: int = 1) -> list[str]:
        records = [queue_message(from_the_bus(event), receives=receives) for event in events]
        answer = module.handler({"Records": records}, LambdaContext())
        ids = {
            record["messageId"]: event["id"] for record, event in zip(records, events, strict=True)
        }
        return [ids[failure["itemIdentifier"]] for failure in answer["batchItemFailures"]]

    return sent


def messages(queue: str) -> list[dict[str, Any]]:
    sqs = aws_client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found: list[dict[str, Any]] = []
    while batch := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        found += batch
    return found


def documents() -> list[dict[str, Any]]:
    return [json.loads(json.loads(message["Body"])["Message"]) for message in messages(SUBSCRIBER)]


def test_an_event_becomes_a_notification(send: Callable[..., list[str]]) -> None:
    # Given
    event = cloud_event(data={**ITEM, "name": "<b>Oak</b>"})

    # When
    assert send(event) == []

    # Then
    (document,) = documents()
    assert document["subject"] == "Item created: <b>Oak</b>"
    assert "A new item of category furniture: <b>Oak</b>" in document["text"]
    assert "&lt;b&gt;Oak&lt;/b&gt;" in document["html"]
    assert document["event"] == event


def test_a_repeated_event_is_told_of_once(send: Callable[..., list[str]]) -> None:
    # Given
    event = cloud_event()

    # When it comes twice in a batch, and once more
    assert send(event, event) == []
    assert send(event) == []

    # Then
    assert len(documents()) == 1


def test_a_hopeless_event_is_a_dead_letter_and_its_neighbours_are_told_of(
    send: Callable[..., list[str]],
) -> None:
    # Given
    events = [cloud_event(), cloud_event("item.exploded"), cloud_event(data={}), cloud_event()]
    events[2] = cloud_event(data={"name": "no status"})

    # When
    assert send(*events) == []

    # Then
    assert [document["event"]["id"] for document in documents()] == [
        events[0]["id"],
        events[3]["id"],
    ]
    letters = messages(DEAD_LETTERS)
    reasons = [letter["MessageAttributes"]["Reason"]["StringValue"] for letter in letters]
    assert reasons[0] == "there is no notification of events of type item.exploded"
    assert reasons[1].startswith("the event does not fill its template: ")
    assert json.loads(letters[0]["Body"])["detail"] == events[1]


def test_while_the_topic_is_away_events_wait_and_at_last_are_dead_letters_with_a_reason(
    send: Callable[..., list[str]],
) -> None:
    # Given
    (topic,) = aws_client("sns").list_topics()["Topics"]
    aws_client("sns").delete_topic(TopicArn=topic["TopicArn"])
    event = cloud_event()

    # When / Then
    assert send(event) == [event["id"]]
    assert send(event, receives=4) == [event["id"]]
    assert messages(DEAD_LETTERS) == []
    assert send(event, receives=5) == []
    (letter,) = messages(DEAD_LETTERS)
    reason = letter["MessageAttributes"]["Reason"]["StringValue"]
    assert reason.startswith("failed 5 times, at last with ")
    assert "NotFound" in reason


def test_a_report_is_told_with_a_link_to_its_page(
    send: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("REPORTS_BUCKET", "itemstream-test-reports")

    # When
    assert send(cloud_event("report.ready", subject="2026-W47")) == []

    # Then
    (document,) = documents()
    page = "acme/2026-W47/01a1fc6c-0000-7000-8000-000000000000/report.html?"
    assert page in document["text"]
    assert "X-Amz-Expires=21600" in document["text"]
