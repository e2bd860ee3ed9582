"""Events that nobody waits for: retries, pauses, ages and destinations, from each service."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.integration.local_aws.conftest import (
    ACCOUNT,
    REGION,
    create_function,
    create_queue,
)
from tests.integration.local_aws.stand_in import FunctionError, Throttled
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.local_aws.conftest import Ministack, Queue
    from tests.integration.local_aws.stand_in import StandIn


@dataclass
class Target:
    """A function that is invoked asynchronously."""

    name: str
    client: Any
    events: list[Any] = field(default_factory=list)
    does: Callable[[Any], Any] = lambda _: None

    def __call__(self, event: Any) -> Any:
        self.events.append(event)
        return self.does(event)

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}:live"

    def invoke(self, event: Any, qualifier: str = "live") -> None:
        self.client.invoke(
            FunctionName=self.name,
            Qualifier=qualifier,
            InvocationType="Event",
            Payload=json.dumps(event),
        )

    def has(self, qualifier: str = "live", **settings: Any) -> None:
        """Set what happens to events of a qualifier."""
        self.client.put_function_event_invoke_config(
            FunctionName=self.name, Qualifier=qualifier, **settings
        )


def fails(_: Any) -> None:
    raise FunctionError("no")


def after(count: int, problem: type[Exception]) -> Callable[[Any], Any]:
    """Raise `problem` that often, then answer."""
    left = [count]

    def does(_: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise problem
        return {"answer": 42}

    return does


@pytest.fixture
def target(ministack: Ministack, host: StandIn) -> Target:
    target = Target(create_function(ministack), ministack.client("lambda"))
    host.functions[target.name] = target
    return target


@pytest.fixture
def records(ministack: Ministack) -> Queue:
    return create_queue(ministack)


def destination(on: str, arn: str) -> dict[str, Any]:
    return {"DestinationConfig": {on: {"Destination": arn}}}


def received(queue: Queue) -> Any:
    [record] = eventually(queue.bodies)
    return record


def test_a_failed_event_is_tried_twice_more_and_keeps_its_request_id(
    target: Target, host: StandIn, records: Queue
) -> None:
    # Given
    target.does = fails
    target.has(**destination("OnFailure", records.arn))

    # When
    target.invoke({"n": 1})

    # Then
    record = received(records)
    assert target.events == [{"n": 1}] * 3
    [request_id] = {headers["X-Amzn-Lambda-Request-Id"] for headers, _ in host.invocations}
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": target.arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"n": 1},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "1",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "no", "errorType": "FunctionError"},
    }


def test_a_success_leaves_a_record_too(target: Target, records: Queue) -> None:
    # Given
    target.does = after(1, FunctionError)
    target.has(**destination("OnSuccess", records.arn))

    # When
    target.invoke({"n": 1})

    # Then
    record = received(records)
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "1"}
    assert record["responsePayload"] == {"answer": 42}


@pytest.mark.parametrize(("retries", "tried"), [(0, 1), (1, 2)])
def test_retries_are_those_of_the_qualifier(
    target: Target, records: Queue, retries: int, tried: int
) -> None:
    # Given
    target.does = fails
    target.has("live", MaximumRetryAttempts=retries, **destination("OnFailure", records.arn))
    target.has("$LATEST", MaximumRetryAttempts=2)

    # When
    target.invoke({})

    # Then
    received(records)
    assert len(target.events) == tried


def test_a_throttled_event_is_kept_and_loses_no_retry(target: Target, records: Queue) -> None:
    # Given
    target.does = after(5, Throttled)
    target.has(MaximumRetryAttempts=0, **destination("OnSuccess", records.arn))

    # When
    target.invoke({})

    # Then
    record = received(records)
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert len(target.events) == 6


def test_an_event_waits_for_a_host_that_is_away(
    target: Target, host: StandIn, records: Queue
) -> None:
    # Given
    del host.functions[target.name]
    broken_off = []

    def break_off() -> Any:
        broken_off.append(True)
        raise ConnectionAbortedError

    host.answer = break_off
    target.has(MaximumRetryAttempts=0, **destination("OnSuccess", records.arn))

    # When
    target.invoke({})
    eventually(lambda: len(broken_off) > 1)
    host.functions[target.name] = target

    # Then
    assert received(records)["requestContext"]["condition"] == "Success"


def test_what_was_throttled_for_too_long_is_given_up(target: Target, records: Queue) -> None:
    # Given
    target.does = after(1000, Throttled)
    target.has(MaximumEventAgeInSeconds=1, **destination("OnFailure", records.arn))

    # When
    target.invoke({"n": 1})

    # Then
    record = received(records)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"n": 1}
    assert "responsePayload" not in record


def test_a_dead_letter_queue_has_the_event_itself(
    target: Target, records: Queue, ministack: Ministack
) -> None:
    # Given
    target.does = fails
    client = ministack.client("lambda")
    client.update_function_configuration(
        FunctionName=target.name, DeadLetterConfig={"TargetArn": records.arn}
    )
    target.has("$LATEST", MaximumRetryAttempts=0)

    # When
    target.invoke({"n": 1}, "$LATEST")

    # Then
    [message] = eventually(records.receive)
    assert json.loads(message["Body"]) == {"n": 1}
    attributes = message["MessageAttributes"]
    assert attributes["ErrorMessage"]["StringValue"] == "no"
    assert attributes["ErrorCode"]["StringValue"] == "200"
    assert attributes["RequestID"]["StringValue"]


def test_a_record_goes_to_a_function(target: Target, ministack: Ministack, host: StandIn) -> None:
    # Given
    other = Target(create_function(ministack), target.client)
    host.functions[other.name] = other
    target.does = fails
    target.has(MaximumRetryAttempts=0, **destination("OnFailure", other.arn))

    # When
    target.invoke({"n": 1})

    # Then
    [record] = eventually(lambda: other.events)
    assert record["requestPayload"] == {"n": 1}


def test_a_record_goes_to_a_bus(target: Target, ministack: Ministack) -> None:
    # Given
    records = create_queue(ministack, open_to="events.amazonaws.com")
    events = ministack.client("events")
    name = f"trial-{uuid4().hex[:8]}"
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "q", "Arn": records.arn}])
    target.does = fails
    target.has(MaximumRetryAttempts=0, **destination("OnFailure", bus))

    # When
    target.invoke({"n": 1})

    # Then
    record = received(records)
    assert record["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert record["detail"]["requestPayload"] == {"n": 1}


def test_an_event_of_a_bus_is_tried_again(target: Target, ministack: Ministack) -> None:
    # Given
    events = ministack.client("events")
    name = f"trial-{uuid4().hex[:8]}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": target.arn}])
    target.does = after(1, FunctionError)

    # When
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": '{"n": 1}'}])

    # Then
    eventually(lambda: len(target.events) == 2)
    assert target.events[0] == target.events[1]
    assert target.events[0]["detail"] == {"n": 1}


def test_a_notification_of_a_topic_is_tried_again(target: Target, ministack: Ministack) -> None:
    # Given
    sns = ministack.client("sns")
    topic = sns.create_topic(Name=f"trial-{uuid4().hex[:8]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=target.arn)
    target.does = after(1, FunctionError)

    # When
    sns.publish(TopicArn=topic, Message="hello")

    # Then
    eventually(lambda: len(target.events) == 2)
    [record] = target.events[1]["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["Sns"]["Message"] == "hello"
    assert record["EventSubscriptionArn"].startswith(topic)


def notified_bucket(ministack: Ministack, target: Target) -> tuple[Any, str]:
    client, bucket = ministack.client("s3"), f"trial-{uuid4().hex[:8]}"
    client.create_bucket(Bucket=bucket)
    prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "uploads/"}]}}
    client.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": target.arn,
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": prefix,
                }
            ]
        },
    )
    return client, bucket


def test_a_notification_of_a_bucket_has_the_settings_of_the_alias(
    target: Target, ministack: Ministack, host: StandIn, records: Queue
) -> None:
    # Given
    client, bucket = notified_bucket(ministack, target)
    target.does = fails
    target.has(MaximumRetryAttempts=1, **destination("OnFailure", records.arn))

    # When
    client.put_object(Bucket=bucket, Key="elsewhere/a", Body=b"")
    client.put_object(Bucket=bucket, Key="uploads/a", Body=b"abc")

    # Then
    record = received(records)
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestContext"]["functionArn"] == target.arn
    assert record["requestPayload"]["Records"][0]["s3"]["object"]["key"] == "uploads/a"
    headers, _ = host.invocations[-1]
    assert headers["X-Amzn-Lambda-Function-Arn"] == target.arn


# The key as it was put, and as the notification has it: form encoding, as of a query's value.
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("uploads/two words.jpg", "uploads/two+words.jpg"),
        ("uploads/a+b.jpg", "uploads/a%2Bb.jpg"),
        ("uploads/50%.jpg", "uploads/50%25.jpg"),
        ("uploads/%20.jpg", "uploads/%2520.jpg"),
        ("uploads/größe €.jpg", "uploads/gr%C3%B6%C3%9Fe+%E2%82%AC.jpg"),
        ("uploads/../a.jpg", "uploads/../a.jpg"),
        ("uploads/a&b=c.jpg", "uploads/a%26b%3Dc.jpg"),
    ],
)
def test_the_key_in_a_notification_is_url_encoded(
    target: Target, ministack: Ministack, key: str, told: str
) -> None:
    # Given
    client, bucket = notified_bucket(ministack, target)

    # When
    client.put_object(Bucket=bucket, Key=key, Body=b"abc")

    # Then
    [event] = eventually(lambda: target.events)
    [record] = event["Records"]
    assert record["s3"]["object"]["key"] == told
    assert record["s3"]["object"]["size"] == 3
    assert record["s3"]["object"]["sequencer"]


def test_a_slow_function_delays_no_other(
    target: Target, ministack: Ministack, host: StandIn
) -> None:
    # Given
    release = threading.Event()
    target.does = lambda _: release.wait(20) and None
    other = Target(create_function(ministack), target.client)
    host.functions[other.name] = other
    for n in range(30):
        target.invoke({"n": n})
    eventually(lambda: len(target.events) == 10)

    # When
    other.invoke({})

    # Then
    try:
        eventually(lambda: other.events, within=5)
    finally:
        release.set()
    eventually(lambda: len(target.events) == 30)
