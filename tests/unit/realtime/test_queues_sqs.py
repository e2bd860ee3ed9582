"""What real time asks itself for later, as messages of queues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.queues_sqs import (
    SqsDeliveries,
    SqsEndings,
    SqsReplays,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/q"


@pytest.fixture
def sqs(aws: None) -> Iterator[Any]:
    with mock_aws():
        client = aws_client("sqs")
        client.create_queue(QueueName="q")
        yield client


@pytest.fixture
def calls(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record what is sent."""
    made: list[dict[str, Any]] = []
    send = sqs.send_message_batch

    def sending(**call: Any) -> Any:
        made.extend(call["Entries"])
        return send(**call)

    monkeypatch.setattr(sqs, "send_message_batch", sending)
    return made


def waiting(sqs: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while batch := sqs.receive_message(QueueUrl=URL, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in batch]
    return found


def test_a_replay_names_a_subscription(sqs: Any, calls: list[dict[str, Any]]) -> None:
    # When
    SqsReplays(sqs, "q").ask("c-1=", "acme", "items", 3)
    SqsReplays(sqs, "q").ask("c-1=", "acme", "items", 3, delay=5, after=7)

    # Then
    named = {"connection_id": "c-1=", "tenant": "acme", "topic": "items", "shard": 3}
    assert [json.loads(call["MessageBody"]) for call in calls] == [named, {**named, "after": 7}]
    assert [call["DelaySeconds"] for call in calls] == [0, 5]
    assert waiting(sqs) == [named]


def test_what_a_tenant_asks_for_is_a_group_of_its_own(
    sqs: Any, calls: list[dict[str, Any]]
) -> None:
    # When
    for tenant in ("acme", "other"):
        SqsReplays(sqs, "q").ask("c-1=", tenant, "items", 3)
        SqsDeliveries(sqs, "q").ask(tenant, "items", range(2))
    SqsEndings(sqs, "q").ask("c-1=", delay=0)

    # Then: endings are each a moment's work, and none waits for another.
    groups = [call.get("MessageGroupId") for call in calls]
    assert groups == ["acme"] * 3 + ["other"] * 3 + [None]


@pytest.mark.parametrize("shards", [0, 1, 10, 11, 64])
def test_each_shard_of_a_topic_has_a_message(sqs: Any, shards: int) -> None:
    SqsDeliveries(sqs, "q").ask("acme", "items", range(shards))
    assert sorted(message["shard"] for message in waiting(sqs)) == list(range(shards))


@pytest.mark.parametrize(("delay", "sent"), [(-3, 0), (0, 0), (60, 60), (900, 900), (7200, 900)])
def test_an_end_is_looked_at_within_the_time_that_sqs_allows(
    sqs: Any, calls: list[dict[str, Any]], delay: int, sent: int
) -> None:
    SqsEndings(sqs, "q").ask("c-1=", delay=delay)
    (call,) = calls
    assert call["DelaySeconds"] == sent
    assert json.loads(call["MessageBody"]) == {"connection_id": "c-1=", "at_once": False}


def test_an_end_may_be_asked_for_at_once(sqs: Any) -> None:
    SqsEndings(sqs, "q").ask("c-1=", delay=0, at_once=True)
    assert waiting(sqs) == [{"connection_id": "c-1=", "at_once": True}]


def test_a_batch_that_was_taken_in_part_is_asked_for_again(sqs: Any) -> None:
    failed = [{"Id": "1", "Code": "InternalError", "SenderFault": False}]
    with Stubber(sqs) as stub:
        stub.add_response("get_queue_url", {"QueueUrl": URL})
        stub.add_response("send_message_batch", {"Successful": [], "Failed": failed})
        with pytest.raises(DependencyUnavailable) as unavailable:
            SqsDeliveries(sqs, "q").ask("acme", "items", range(2))
    assert "InternalError" in str(unavailable.value.__cause__)


@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalFailure", 500), ("ServiceUnavailable", 503), ("RequestThrottled", 403)],
)
def test_an_outage_is_one(sqs: Any, code: str, status: int) -> None:
    with Stubber(sqs) as stub:
        stub.add_client_error("get_queue_url", code, http_status_code=status)
        with pytest.raises(DependencyUnavailable):
            SqsReplays(sqs, "q").ask("c-1=", "acme", "items", 3)


def test_silence_is_an_outage(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(**_call: Any) -> None:
        raise ConnectTimeoutError(endpoint_url=URL)

    monkeypatch.setattr(sqs, "send_message_batch", silent)
    with pytest.raises(DependencyUnavailable):
        SqsEndings(sqs, "q").ask("c-1=", delay=0)


def test_a_fault_of_ours_stays_visible(sqs: Any) -> None:
    with Stubber(sqs) as stub:
        stub.add_client_error("get_queue_url", "AccessDenied", http_status_code=403)
        with pytest.raises(ClientError):
            SqsReplays(sqs, "q").ask("c-1=", "acme", "items", 3)


def test_the_queues_are_the_environments(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    for name in ("replays", "topic_deliveries", "connection_endings"):
        sqs.create_queue(QueueName=f"our-{name}")
        monkeypatch.setenv(f"{name.upper()}_QUEUE", f"our-{name}")

    # When
    SqsReplays.from_environment().ask("c-1=", "acme", "items", 3)
    SqsDeliveries.from_environment().ask("acme", "items", [3])
    SqsEndings.from_environment().ask("c-1=", delay=0)

    # Then
    for name in ("replays", "topic_deliveries", "connection_endings"):
        url = sqs.get_queue_url(QueueName=f"our-{name}")["QueueUrl"]
        assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
