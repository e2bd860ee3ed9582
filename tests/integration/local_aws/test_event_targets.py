"""Rules of a bus and their targets: what is kept of them, and where an event goes that cannot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.integration.local_aws.conftest import create_queue
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack, Queue

BUS = "events.amazonaws.com"


@dataclass(frozen=True)
class Rule:
    """A rule of a bus of its own, for events of the source `itemstream`."""

    name: str
    arn: str
    bus: str
    client: Any

    def targets(self, *targets: dict[str, Any]) -> None:
        self.client.put_targets(Rule=self.name, EventBusName=self.bus, Targets=list(targets))

    def emit(self, detail: Any) -> None:
        entry = {
            "Source": "itemstream",
            "DetailType": "item.created",
            "Detail": json.dumps(detail),
            "EventBusName": self.bus,
        }
        assert self.client.put_events(Entries=[entry])["FailedEntryCount"] == 0


@pytest.fixture
def rule(ministack: Ministack) -> Rule:
    client = ministack.client("events")
    name = f"trial-{uuid4().hex[:8]}"
    client.create_event_bus(Name=name)
    arn = client.put_rule(
        Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["itemstream"]})
    )["RuleArn"]
    return Rule(name, arn, name, client)


@pytest.fixture
def dead_letters(ministack: Ministack) -> Queue:
    return create_queue(ministack, open_to=BUS)


def test_an_event_reaches_each_target_whole(rule: Rule, ministack: Ministack) -> None:
    # Given
    queues = [create_queue(ministack, open_to=BUS, source_arn=rule.arn) for _ in range(2)]
    rule.targets(*({"Id": str(n), "Arn": queue.arn} for n, queue in enumerate(queues)))

    # When
    rule.emit({"n": 1})

    # Then
    for queue in queues:
        [event] = eventually(queue.bodies)
        assert event["source"] == "itemstream"
        assert event["detail-type"] == "item.created"
        assert event["detail"] == {"n": 1}


def test_an_event_for_a_queue_that_is_gone_is_a_dead_letter(
    rule: Rule, ministack: Ministack, dead_letters: Queue
) -> None:
    # Given
    gone = create_queue(ministack, open_to=BUS)
    rule.targets(
        {"Id": "q", "Arn": gone.arn, "DeadLetterConfig": {"Arn": dead_letters.arn}},
    )
    gone.client.delete_queue(QueueUrl=gone.url)

    # When
    rule.emit({"n": 1})

    # Then
    [message] = eventually(dead_letters.receive)
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert attributes["RULE_ARN"] == rule.arn
    assert attributes["TARGET_ARN"] == gone.arn
    assert attributes["ERROR_CODE"] == "NO_RESOURCE"


def test_an_event_that_a_queue_does_not_admit_is_a_dead_letter(
    rule: Rule, ministack: Ministack, dead_letters: Queue
) -> None:
    # Given
    closed = create_queue(ministack, open_to=BUS, source_arn=f"{rule.arn}-of-others")
    rule.targets(
        {"Id": "q", "Arn": closed.arn, "DeadLetterConfig": {"Arn": dead_letters.arn}},
    )

    # When
    rule.emit({"n": 1})

    # Then
    [message] = eventually(dead_letters.receive)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert closed.receive() == []


def test_a_target_is_read_back_as_it_was_set(
    rule: Rule, ministack: Ministack, dead_letters: Queue
) -> None:
    # Given
    target = {
        "Id": "q",
        "Arn": create_queue(ministack).arn,
        "DeadLetterConfig": {"Arn": dead_letters.arn},
        "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
    }

    # When
    rule.targets(target)

    # Then
    listed = rule.client.list_targets_by_rule(Rule=rule.name, EventBusName=rule.bus)["Targets"]
    assert listed == [target]


def test_an_archive_is_read_back_as_it_was_set(rule: Rule) -> None:
    # Given
    bus = rule.client.describe_event_bus(Name=rule.bus)["Arn"]
    pattern = json.dumps({"source": ["itemstream"]})

    # When
    rule.client.create_archive(
        ArchiveName=rule.name,
        EventSourceArn=bus,
        Description="What was on the bus",
        EventPattern=pattern,
        RetentionDays=30,
    )

    # Then
    archive = rule.client.describe_archive(ArchiveName=rule.name)
    assert archive["EventSourceArn"] == bus
    assert archive["Description"] == "What was on the bus"
    assert archive["EventPattern"] == pattern
    assert archive["RetentionDays"] == 30
    assert archive["State"] == "ENABLED"


def test_what_is_in_an_archive_can_be_replayed(rule: Rule, ministack: Ministack) -> None:
    # Given
    queue = create_queue(ministack, open_to=BUS)
    rule.targets({"Id": "q", "Arn": queue.arn})
    bus = rule.client.describe_event_bus(Name=rule.bus)["Arn"]
    archive = rule.client.create_archive(ArchiveName=rule.name, EventSourceArn=bus)
    rule.emit({"n": 1})
    eventually(queue.bodies)

    # When
    rule.client.start_replay(
        ReplayName=rule.name,
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime="2026-01-01T00:00:00Z",
        EventEndTime="2099-01-01T00:00:00Z",
        Destination={"Arn": bus},
    )

    # Then
    [event] = eventually(queue.bodies)
    assert event["detail"] == {"n": 1}
    assert event["replay-name"] == rule.name
