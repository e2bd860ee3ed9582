"""What operators see of a request: its log lines and its metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import Caller, LocalStack

SECRET_TEXT = "the customer's own words"


def log_events(stack: LocalStack, function: str) -> list[str]:
    logs = stack.client("logs")
    group = f"/aws/lambda/{stack.function(function)}"
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


def json_lines(events: list[str]) -> list[dict[str, Any]]:
    return [json.loads(event) for event in events if event.startswith("{")]


def test_a_request_can_be_followed_in_the_logs(stack: LocalStack, caller: Caller) -> None:
    # Given
    correlation = f"follow-{uuid4()}"

    # When
    caller.create({"name": SECRET_TEXT}, X_Correlation_Id=correlation)

    # Then there is a line that says all there is to know, and nothing private
    def lines() -> list[dict[str, Any]]:
        found = json_lines(log_events(stack, "create_item"))
        return [line for line in found if line.get("correlation_id") == correlation]

    (line,) = eventually(lines, what="the request's log line")
    assert line["message"] == "answered"
    assert line["route"] == "POST /items"
    assert line["status"] == 201
    assert line["tenant"] == caller.tenant
    assert line["function"] == stack.function("create_item")
    assert line["request_id"]
    assert line["cold_start"] in (True, False)
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None

    token = caller.http.headers["authorization"].removeprefix("Bearer ")
    for function in ("create_item", "rest_authorizer"):
        everything = "\n".join(log_events(stack, function))
        assert "START RequestId" in everything
        assert "REPORT RequestId" in everything
        assert SECRET_TEXT not in everything
        assert token not in everything
        assert token.rpartition(".")[2] not in everything


def test_a_refused_token_leaves_its_reason_but_not_itself(
    stack: LocalStack, caller: Caller
) -> None:
    # Given
    forged = caller.http.headers["authorization"][:-6] + "AAAAAA"

    # When
    caller.http.get("items", headers={"Authorization": forged})

    # Then
    def refusals() -> list[dict[str, Any]]:
        found = json_lines(log_events(stack, "rest_authorizer"))
        return [line for line in found if line.get("message") == "token refused"]

    assert eventually(refusals, what="the refusal's log line")[-1]["reason"]
    assert "AAAAAA" not in "\n".join(log_events(stack, "rest_authorizer"))


def test_requests_become_metrics(stack: LocalStack, caller: Caller) -> None:
    # Given an item that is read from the table once and then from the cache, and a lost update
    item = caller.created()
    for _ in range(3):
        caller.get(item["id"])
    caller.put(item["id"], {"name": "x"}, '"9"')
    cloudwatch = stack.client("cloudwatch")

    def total(metric: str, function: str) -> float:
        now = datetime.now(UTC)
        answer = cloudwatch.get_metric_statistics(
            Namespace="Itemstream",
            MetricName=metric,
            Dimensions=[
                {"Name": "service", "Value": "itemstream"},
                {"Name": "function", "Value": stack.function(function)},
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    # Then
    for metric, function in (
        ("Requests", "get_item"),
        ("Latency", "get_item"),
        ("CacheMisses", "get_item"),
        ("CacheHits", "get_item"),
        ("PreconditionsFailed", "update_item"),
    ):
        eventually(lambda m=metric, f=function: total(m, f) > 0, what=f"{metric} of {function}")
