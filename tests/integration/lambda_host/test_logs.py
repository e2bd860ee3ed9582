"""Where lines and metrics of functions go."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.lambda_host.conftest import Aws, Function, Host


def events(aws: Aws, function: Function) -> list[dict[str, Any]]:
    logs = aws.client("logs")
    group = f"/aws/lambda/{function.name}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return list(logs.filter_log_events(logGroupName=group)["events"])


def whole_log(aws: Aws, function: Function) -> list[dict[str, Any]]:
    """Return the events as soon as the invocation's last line is there: lines come in batches."""

    def ended() -> list[dict[str, Any]]:
        found = events(aws, function)
        return found if any(event["message"].startswith("REPORT") for event in found) else []

    return eventually(ended, what="the report line")


def statistics(aws: Aws, namespace: str, metric: str, **dimensions: str) -> dict[str, float]:
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=86_400,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]
    return {
        "sum": sum(point["Sum"] for point in points),
        "count": sum(point["SampleCount"] for point in points),
    }


def test_an_invocation_is_logged_as_lambda_logs_it(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.prints")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

    # When
    answer = host.invoke(function, **{"X-Amzn-Trace-Id": trace})
    host.invoke(function)

    # Then
    lines = host.log(function).splitlines()
    assert re.fullmatch(r"INIT_START Runtime Version: python:3\.\d+\.\d+", lines[0])
    assert lines[1] == f"START RequestId: {answer.request_id} Version: $LATEST"
    assert sorted(lines[2:4]) == ["a plain line", "an error"]
    assert lines[4] == f"END RequestId: {answer.request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {answer.request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms"
        r"\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t",
        lines[5],
    )
    assert lines[6] == (
        "XRAY TraceId: 1-5759e988-bd862e3fe1be46a994272793\tSegmentId: 53995c3f42cd8ad8"
        "\tSampled: true"
    )
    assert sum("Init Duration" in line for line in lines) == 1


def test_lines_go_to_cloudwatch_logs_in_one_stream_for_each_environment(
    aws: Aws, host: Host
) -> None:
    # Given
    function = aws.function("trials.prints")

    # When
    answer = host.invoke(function)

    # Then
    found = whole_log(aws, function)
    assert [event["message"].split()[0] for event in found] == [
        "INIT_START",
        "START",
        *[event["message"].split()[0] for event in found[2:4]],
        "END",
        "REPORT",
    ]
    assert answer.request_id in found[-1]["message"]
    (stream,) = {event["logStreamName"] for event in found}
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)


def test_every_line_of_an_invocation_comes_before_its_end(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.prints_much")

    # When
    host.invoke(function, {"lines": 2000})

    # Then
    lines = [line.split()[0] for line in host.log(function).splitlines()]
    assert lines == ["INIT_START", "START", *["line"] * 2000, "END", "REPORT"]


def test_a_traceback_is_one_event(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.raises")

    # When
    host.invoke(function)

    # Then
    found = whole_log(aws, function)
    (error,) = [event["message"] for event in found if event["message"].startswith("[ERROR]")]
    assert error.split("\n")[0] == "[ERROR] ValueError: no such luck"
    assert "\r" not in error
    assert "raise ValueError" in error


def test_embedded_metrics_become_metrics(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.measures")
    before = statistics(aws, "Trials", "latency", route="/items")

    # When
    host.invoke(function)

    # Then
    def latest() -> dict[str, float]:
        return statistics(aws, "Trials", "latency", route="/items")

    eventually(lambda: latest() != before)
    assert latest() == {"sum": before["sum"] + 17, "count": before["count"] + 3}
    assert statistics(aws, "Trials", "latency", route="/items", method="GET") == latest()


def test_lambdas_own_metrics_count_each_invocation_once(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.raises")

    # When
    for _ in range(2):
        host.invoke(function, **{"X-Amzn-Lambda-Function-Arn": f"{function.arn}:live"})

    # Then
    def metric(name: str, **dimensions: str) -> dict[str, float]:
        return statistics(aws, "AWS/Lambda", name, FunctionName=function.name, **dimensions)

    eventually(lambda: metric("Invocations")["sum"] == 2)
    assert metric("Errors") == {"sum": 2, "count": 2}
    assert metric("Throttles") == {"sum": 0, "count": 2}
    assert metric("Duration")["count"] == 2
    assert metric("ConcurrentExecutions") == {"sum": 2, "count": 2}
    assert metric("Invocations", Resource=f"{function.name}:live")["sum"] == 2


def test_a_success_counts_as_no_error(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")

    # When
    host.invoke(function)

    # Then
    def errors() -> dict[str, float]:
        return statistics(aws, "AWS/Lambda", "Errors", FunctionName=function.name)

    eventually(lambda: errors()["count"] == 1)
    assert errors()["sum"] == 0


def test_a_throttled_invocation_is_counted(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")
    aws.client("lambda").put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )

    # When
    host.invoke(function)

    # Then
    eventually(
        lambda: statistics(aws, "AWS/Lambda", "Throttles", FunctionName=function.name)["sum"] == 1
    )
