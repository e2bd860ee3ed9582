"""How values become calls of PutMetricData."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tools.lambda_host.metrics import Invoked, Metrics


class Recorder:
    """A client that keeps what it is given, or fails."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.calls: list[dict[str, Any]] = []

    def put_metric_data(self, **request: Any) -> None:
        if self.failure:
            raise self.failure
        self.calls.append(request)


def embedded(**changes: Any) -> str:
    document = {
        "_aws": {
            "Timestamp": 1_800_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Itemstream",
                    "Dimensions": [["service"], ["service", "route"]],
                    "Metrics": [{"Name": "requests", "Unit": "Count", "StorageResolution": 1}],
                }
            ],
        },
        "service": "itemstream",
        "route": "/items",
        "requests": [1, 1, 2],
    }
    return json.dumps({**document, **changes})


def test_each_set_of_dimensions_is_a_metric_with_its_values_counted() -> None:
    # Given
    client = Recorder()
    metrics = Metrics(client)

    # When
    metrics.read(embedded())
    metrics.read(embedded(requests=2))
    metrics.flush()

    # Then
    (call,) = client.calls
    assert call["Namespace"] == "Itemstream"
    assert [[d["Name"] for d in datum["Dimensions"]] for datum in call["MetricData"]] == [
        ["service"],
        ["service", "route"],
    ]
    for datum in call["MetricData"]:
        assert dict(zip(datum["Values"], datum["Counts"], strict=True)) == {1.0: 2, 2.0: 2}
        assert (datum["MetricName"], datum["Unit"]) == ("requests", "Count")
        assert datum["StorageResolution"] == 1
        assert datum["Timestamp"].timestamp() == 1_800_000_000


@pytest.mark.parametrize(
    ("resource", "by_version"),
    [("trial:live", True), ("trial:7", False), ("trial", False)],
)
def test_an_invocation_by_alias_is_counted_for_the_version_that_ran(
    resource: str, by_version: bool
) -> None:
    # Given
    client = Recorder()
    metrics = Metrics(client)

    # When
    metrics.invocation(Invoked("trial", resource, "7"), milliseconds=3, failed=True, running=1)
    metrics.flush()

    # Then
    (call,) = client.calls
    assert call["Namespace"] == "AWS/Lambda"
    errors = [datum for datum in call["MetricData"] if datum["MetricName"] == "Errors"]
    function = {"FunctionName": "trial"}
    alias = {**function, "Resource": resource}
    assert [{d["Name"]: d["Value"] for d in datum["Dimensions"]} for datum in errors] == [
        function,
        alias,
        *([{**alias, "ExecutedVersion": "7"}] if by_version else []),
    ]
    assert [datum["Values"] for datum in errors] == [[1]] * len(errors)


def test_calls_respect_the_limits() -> None:
    # Given
    client = Recorder()
    metrics = Metrics(client)

    # When
    for route in range(300):
        metrics.read(embedded(route=str(route), requests=list(range(200))))
    metrics.flush()

    # Then
    data = [datum for call in client.calls for datum in call["MetricData"]]
    assert all(len(call["MetricData"]) <= 1000 for call in client.calls)
    assert all(len(datum["Values"]) <= 150 for datum in data)
    assert sum(sum(datum["Counts"]) for datum in data) == 2 * 300 * 200


def test_values_wait_while_cloudwatch_is_away() -> None:
    # Given
    client = Recorder()
    client.failure = EndpointConnectionError(endpoint_url="http://127.0.0.1")
    metrics = Metrics(client)
    metrics.read(embedded())
    metrics.flush()

    # When
    client.failure = None
    metrics.flush()

    # Then
    assert sum(sum(datum["Counts"]) for datum in client.calls[0]["MetricData"]) == 6


def test_values_that_cloudwatch_refuses_are_not_sent_for_ever() -> None:
    # Given
    client = Recorder()
    client.failure = ClientError({"Error": {"Code": "InvalidParameterValue"}}, "PutMetricData")
    metrics = Metrics(client)
    metrics.read(embedded())
    metrics.flush()

    # When
    client.failure = None
    metrics.flush()

    # Then
    assert client.calls == []


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        '{"message": "a log line"}',
        '{"_aws": 1}',
        '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{}]}}',
        embedded(requests="many"),
        '{"_aws"',
    ],
)
def test_other_lines_are_no_metrics_and_no_trouble(line: str) -> None:
    # Given
    client = Recorder()
    metrics = Metrics(client)

    # When
    metrics.read(line)
    metrics.flush()

    # Then
    assert client.calls == []
