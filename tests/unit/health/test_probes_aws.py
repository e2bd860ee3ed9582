"""AWS's services, dead letters and lags, asked of moto or of a stand-in."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.health import consumers_cloudwatch, probes_network
from itemstream.health.consumers_cloudwatch import ConsumerSettings, consumers_probe
from itemstream.health.dead_letters_sqs import DeadLetterSettings, dead_letters_probe
from itemstream.health.probes import measure
from itemstream.health.probes_aws import AwsSettings, aws_probes
from itemstream.health.probes_network import NetworkSettings, network_probe
from tests.fakes.tables import ITEMS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemstream.health.model import Measurement
    from itemstream.health.probes import Probe

SETTINGS = AwsSettings(
    ITEMS, "keys", "health-checker-dead-letters", "events/items", "token-signing"
)


def found(*probes: Probe) -> dict[str, Measurement]:
    measured = asyncio.run(measure(probes, lambda *_: None))
    return {one.part: one for one in measured}


@pytest.fixture
def account(aws: None) -> Iterator[None]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        aws_client("s3").create_bucket(Bucket="keys")
        aws_client("events").create_event_bus(Name="events")
        aws_client("events").put_rule(Name="items", EventBusName="events", EventPattern="{}")
        aws_client("secretsmanager").create_secret(Name="token-signing", SecretString="{}")
        for name in ("health-checker", "get-item", "items-rule", "replays"):
            aws_client("sqs").create_queue(QueueName=f"itemstream-test-{name}-dead-letters")
        aws_client("sqs").create_queue(QueueName="health-checker-dead-letters")
        yield


def test_services_that_answer_are_up(account: None) -> None:
    measured = found(*aws_probes(SETTINGS))
    assert {part: one.state for part, one in measured.items()} == dict.fromkeys(
        ("dynamodb", "s3", "sqs", "eventbridge", "secretsmanager"), "up"
    )


def test_each_service_that_does_not_is_named(account: None) -> None:
    gone = AwsSettings("gone", "gone-bucket", "gone", "gone/gone", "gone")
    for part, one in found(*aws_probes(gone)).items():
        assert one.state == "down", part
        assert one.reason
        assert one.reason.startswith("fails with ")


def dead_letters(owners: str) -> Measurement:
    settings = DeadLetterSettings("itemstream-test-", owners)
    return found(dead_letters_probe(settings))["dead_letters"]


def test_dead_letters_are_counted_and_their_owners_named(account: None) -> None:
    # Given
    owners = "health-checker,get-item,items-rule,replays"
    assert dead_letters(owners).state == "up"
    sqs = aws_client("sqs")
    for owner, number in (("get-item", 2), ("items-rule", 1)):
        url = sqs.get_queue_url(QueueName=f"itemstream-test-{owner}-dead-letters")["QueueUrl"]
        for _ in range(number):
            sqs.send_message(QueueUrl=url, MessageBody="{}")

    # Then
    measured = dead_letters(owners)
    assert measured.state == "degraded"
    assert measured.reason == "dead letters of get-item (2), items-rule (1)"


def test_of_many_queues_with_dead_letters_the_fullest_are_named(account: None) -> None:
    sqs = aws_client("sqs")
    owners = ["health-checker", "get-item", "items-rule", "replays"]
    for number, owner in enumerate(owners, 1):
        url = sqs.get_queue_url(QueueName=f"itemstream-test-{owner}-dead-letters")["QueueUrl"]
        for _ in range(number):
            sqs.send_message(QueueUrl=url, MessageBody="{}")
    reason = dead_letters(",".join(owners)).reason
    assert reason == "dead letters of replays (4), items-rule (3), get-item (2) and 1 more"


def test_a_queue_that_cannot_be_counted_is_no_good_news(account: None) -> None:
    assert dead_letters("get-item,nobody").state == "down"


class CloudWatch:
    """Answers with the values of some metrics, each with its age in seconds, in two pages."""

    def __init__(self, **values: list[tuple[int, float]]) -> None:
        self.values = values
        self.queries: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> CloudWatch:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        self.queries = parameters["MetricDataQueries"]
        now = datetime.now(UTC)
        assert parameters["StartTime"] < now < parameters["EndTime"]
        for query in self.queries:
            metric = query["MetricStat"]["Metric"]
            name = metric["Dimensions"][0]["Value"].removeprefix("itemstream-test-")
            values = self.values.get(name.replace("-", "_"), [])
            result = {
                "Id": query["Id"],
                "Timestamps": [now - timedelta(seconds=age) for age, _ in values],
                "Values": [value for _, value in values],
            }
            yield {"MetricDataResults": [result]}


CONSUMERS = ConsumerSettings(
    "itemstream-test-", "broadcaster=60,event-router=60", "notifications=900,replays=900"
)


WORST = "replays (2000 s), notifications (1000 s), event-router (200 s)"


def lag(monkeypatch: pytest.MonkeyPatch, cloudwatch: CloudWatch) -> tuple[str, str | None]:
    monkeypatch.setattr(consumers_cloudwatch, "aws_client", lambda _: cloudwatch)
    one = found(consumers_probe(CONSUMERS))["consumers"]
    return one.state, one.reason


def test_consumers_that_have_nothing_to_do_are_not_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudwatch = CloudWatch()
    assert lag(monkeypatch, cloudwatch) == ("up", None)
    metrics = [query["MetricStat"]["Metric"] for query in cloudwatch.queries]
    assert [(m["Namespace"], m["MetricName"], m["Dimensions"][0]) for m in metrics] == [
        *(
            ("AWS/Lambda", "IteratorAge", {"Name": "FunctionName", "Value": f"itemstream-test-{n}"})
            for n in ("broadcaster", "event-router")
        ),
        *(
            (
                "AWS/SQS",
                "ApproximateAgeOfOldestMessage",
                {"Name": "QueueName", "Value": f"itemstream-test-{n}"},
            )
            for n in ("notifications", "replays")
        ),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"broadcaster": [(0, 60_000)]}, ("up", None)),
        ({"broadcaster": [(0, 61_000)]}, ("degraded", "behind: broadcaster (61 s)")),
        ({"notifications": [(0, 900)]}, ("up", None)),
        ({"notifications": [(60, 901)]}, ("degraded", "behind: notifications (901 s)")),
        # The latest value counts, in whichever order they come
        ({"event_router": [(120, 300_000), (0, 5)]}, ("up", None)),
        ({"event_router": [(0, 5), (120, 300_000)]}, ("up", None)),
        (
            {
                "broadcaster": [(0, 100_000)],
                "event_router": [(0, 200_000)],
                "notifications": [(0, 1000)],
                "replays": [(0, 2000)],
            },
            ("degraded", f"behind: {WORST} and 1 more"),
        ),
    ],
)
def test_a_consumer_is_behind_when_its_lag_is_longer_than_its_own_time(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    assert lag(monkeypatch, CloudWatch(**values)) == expected


class Lambda:
    """Answers an invocation, or fails to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def invoke(self, **parameters: Any) -> Any:
        assert parameters["FunctionName"] == "itemstream-test-network-probe:live"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def inside(monkeypatch: pytest.MonkeyPatch, answer: Any) -> dict[str, Measurement]:
    monkeypatch.setattr(probes_network, "aws_client", lambda *_, **__: Lambda(answer))
    return found(network_probe(NetworkSettings("itemstream-test-network-probe:live")))


def test_what_is_found_inside_the_network_is_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    document = {
        "mysql": {"part": "mysql", "state": "down", "latency_ms": 3000, "reason": "silent"},
    }
    measured = inside(monkeypatch, {"Payload": BytesIO(json.dumps(document).encode())})
    assert measured.keys() == {"mysql"}
    assert (measured["mysql"].state, measured["mysql"].latency_ms) == ("down", 3000)


@pytest.mark.parametrize(
    "answer",
    [
        {"Payload": BytesIO(b'{"errorMessage": "no"}'), "FunctionError": "Unhandled"},
        ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"),
        EndpointConnectionError(endpoint_url="http://10.0.0.7"),
    ],
    ids=["failed", "throttled", "away"],
)
def test_without_an_answer_from_inside_both_are_down(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    measured = inside(monkeypatch, answer)
    assert {one.state for one in measured.values()} == {"down"}
    assert measured.keys() == {"redis", "mysql"}
    assert all("10.0.0.7" not in str(one.reason) for one in measured.values())
