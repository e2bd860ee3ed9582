"""At most one notification of an event on a topic."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from itemstream.aws import aws_client
from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.notifications.model import Notification, OutcomeUnknown
from itemstream.notifications.once import OnceSettings, PublishedOnce
from tests.fakes.notified_events import cloud_event
from tests.fakes.tables import NOTIFICATION_MARKS
from tests.unit.notifications.conftest import TOPIC, Died, OrderedTopic

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 24 * 3600


def notification(**attributes: Any) -> Notification:
    event = cloud_event(**{"id": "1:1:item.created", **attributes})
    return Notification(event, "info", "Subject", "a private text\n", "<p>a private text</p>")


def once(topic: OrderedTopic) -> PublishedOnce:
    return PublishedOnce(topic, aws_client("dynamodb"), OnceSettings(NOTIFICATION_MARKS))


def test_a_repeated_event_is_published_once(
    marks: Callable[[], list[dict[str, Any]]], log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    topic = OrderedTopic()

    # When it comes again, to this process and to another
    once(topic).publish(notification())
    once(topic).publish(notification(time="2026-11-28T06:00:00.000Z"))

    # Then
    assert topic.attempts == 1
    first, second = log()
    assert first["message"] == "published"
    assert first["event_id"] == "1:1:item.created"
    assert first["tenant"] == "acme"
    assert second["message"] == "published before"


def test_a_mark_says_when_it_may_go_and_nothing_of_the_event(
    marks: Callable[[], list[dict[str, Any]]],
) -> None:
    # When
    once(OrderedTopic()).publish(notification())

    # Then
    (mark,) = marks()
    assert mark["pk"].startswith(f"notification#{TOPIC}#")
    assert mark["status"] == "COMPLETED"
    assert int(mark["expires_at"]) == pytest.approx(time.time() + 30 * DAY, abs=60)
    assert "private" not in json.dumps(mark)
    assert mark["data"] == "null"


def test_other_events_tenants_and_topics_are_none_of_its_business(
    marks: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    topic, other_topic = OrderedTopic(), OrderedTopic()
    other_topic.name = "another"
    once(topic).publish(notification())

    # When
    once(topic).publish(notification(id="1:2:item.updated"))
    once(topic).publish(notification(tenant="other"))
    once(other_topic).publish(notification())

    # Then
    assert topic.attempts == 3
    assert other_topic.attempts == 1
    assert len(marks()) == 4


@pytest.mark.parametrize("error", [DependencyUnavailable("SNS"), Refused("no"), KeyError("bug")])
def test_what_failed_for_certain_leaves_no_mark(
    error: Exception, marks: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    topic = OrderedTopic(error)

    # When
    with pytest.raises(type(error)):
        once(topic).publish(notification())

    # Then another attempt publishes
    assert marks() == []
    once(topic).publish(notification())
    assert len(topic.published) == 1


def test_a_process_that_dies_after_publishing_is_not_followed_by_another(
    marks: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    topic = OrderedTopic(Died())
    with pytest.raises(Died):
        once(topic).publish(notification())

    # When / Then
    for _ in range(4):
        with pytest.raises(OutcomeUnknown, match="has not said how it ended"):
            once(topic).publish(notification())
    assert topic.attempts == 1


def test_a_topic_that_does_not_answer_is_not_asked_again_for_an_hour(
    marks: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    topic = OrderedTopic(OutcomeUnknown("SNS did not answer"))
    with pytest.raises(OutcomeUnknown, match="SNS did not answer; if subscribers did not get it"):
        once(topic).publish(notification())

    # When it is tried within the hour
    with pytest.raises(OutcomeUnknown) as advised:
        once(topic).publish(notification())

    # Then it says from when somebody may decide to publish it all the same
    assert topic.attempts == 1
    until = datetime.fromisoformat(str(advised.value).rpartition(" ")[2])
    (mark,) = marks()
    undecided = datetime.fromtimestamp(float(mark["undecided_until"]) / 1000, UTC)
    assert undecided == pytest.approx(
        datetime.now(UTC) + timedelta(hours=1), abs=timedelta(minutes=1)
    )
    assert until == pytest.approx(undecided, abs=timedelta(minutes=2))

    # When that hour has passed
    aws_client("dynamodb").update_item(
        TableName=NOTIFICATION_MARKS,
        Key={"pk": {"S": mark["pk"]}},
        UpdateExpression="SET undecided_until = :past",
        ExpressionAttributeValues={":past": {"N": str(int(time.time() * 1000) - 1)}},
    )
    once(topic).publish(notification())

    # Then
    assert len(topic.published) == 1
    (mark,) = marks()
    assert mark["status"] == "COMPLETED"


class LosesAnswers:
    """Passes calls on to DynamoDB and loses the answers to the first marks."""

    def __init__(self, *, tries: int) -> None:
        self._client = aws_client("dynamodb")
        self.meta = self._client.meta
        self._tries = tries

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def put_item(self, **request: Any) -> Any:
        """Try as often as the AWS client would; the answer to the last try arrives if it may."""
        for attempt in range(3):
            try:
                answer = self._client.put_item(**request)
            except ClientError:
                if attempt >= self._tries:
                    raise
            else:
                if attempt >= self._tries:
                    return answer
        raise ReadTimeoutError(endpoint_url="dynamodb")


def test_a_mark_that_is_repeated_because_its_answer_was_lost_is_ones_own(
    marks: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    topic = OrderedTopic()
    slow = PublishedOnce(topic, LosesAnswers(tries=1), OnceSettings(NOTIFICATION_MARKS))

    # When
    slow.publish(notification())

    # Then it is published, and only once
    once(topic).publish(notification())
    assert topic.attempts == 1
    (mark,) = marks()
    assert mark["status"] == "COMPLETED"


def test_a_mark_that_was_never_answered_is_taken_back(
    marks: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    topic = OrderedTopic()
    silent = PublishedOnce(topic, LosesAnswers(tries=3), OnceSettings(NOTIFICATION_MARKS))

    # When
    with pytest.raises(Exception, match="Failed to save in progress record"):
        silent.publish(notification())

    # Then the next attempt may publish
    assert topic.attempts == 0
    assert marks() == []
    once(topic).publish(notification())
    assert topic.attempts == 1


def test_a_mark_of_another_is_never_taken_back(
    marks: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given an event that was published
    topic = OrderedTopic()
    once(topic).publish(notification())
    silent = PublishedOnce(topic, LosesAnswers(tries=3), OnceSettings(NOTIFICATION_MARKS))

    # When
    with pytest.raises(Exception, match="Failed to save in progress record"):
        silent.publish(notification())

    # Then
    (mark,) = marks()
    assert mark["status"] == "COMPLETED"


def test_without_its_table_nothing_is_published(in_moto: None) -> None:
    # Given
    topic = OrderedTopic()
    nowhere = PublishedOnce(topic, aws_client("dynamodb"), OnceSettings("no-such-table"))

    # When / Then
    with pytest.raises(Exception, match="Failed to save in progress record"):
        nowhere.publish(notification())
    assert topic.attempts == 0
