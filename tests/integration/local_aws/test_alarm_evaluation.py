"""Alarms are evaluated by the clock, over the metric that they name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.integration.local_aws.conftest import create_queue
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack

MINUTE = 60
PERCENT = "IF(calls > 0, 100 * failures / calls, 0)"


@dataclass
class Watch:
    """An alarm of a test's own, and the metric that it watches."""

    name: str
    client: Any

    def put(self, **settings: Any) -> None:
        metric = {} if "Metrics" in settings else {**self.metric("Failures"), "Statistic": "Sum"}
        usual = {
            "AlarmName": self.name,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 5,
            "EvaluationPeriods": 1,
            **({} if "Metrics" in settings else {"Period": MINUTE}),
        }
        self.client.put_metric_alarm(**{**usual, **metric, **settings})

    def metric(self, name: str, function: str = "f") -> dict[str, Any]:
        return {
            "Namespace": self.name,
            "MetricName": name,
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
        }

    def term(self, name: str, metric: str) -> dict[str, Any]:
        stat = {"Metric": self.metric(metric), "Period": MINUTE, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, "ReturnData": False}

    def measured(self, *values: float, minutes_ago: int, name: str = "Failures", **of: str) -> None:
        """Send the values of a minute that has ended."""
        ended = (time.time() // MINUTE - minutes_ago) * MINUTE
        metric = self.metric(name, **of)
        self.client.put_metric_data(
            Namespace=metric.pop("Namespace"),
            MetricData=[
                {**metric, "Timestamp": datetime.fromtimestamp(ended + 1, UTC), "Value": value}
                for value in values
            ],
        )

    def alarm(self) -> Any:
        [alarm] = self.client.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return alarm

    def becomes(self, state: str) -> bool:
        return bool(eventually(lambda: self.alarm()["StateValue"] == state, what=state))


@pytest.fixture
def watch(ministack: Ministack) -> Watch:
    return Watch(f"trial-{uuid4().hex[:8]}", ministack.client("cloudwatch"))


def test_an_alarm_fires_by_what_came_in_a_period_that_has_ended(watch: Watch) -> None:
    # Given
    watch.put()
    assert watch.alarm()["StateValue"] == "INSUFFICIENT_DATA"

    # When the values of one minute are more than the threshold together
    watch.measured(4, 2, minutes_ago=1)

    # Then
    assert watch.becomes("ALARM")
    assert "6" in watch.alarm()["StateReason"]


def test_another_functions_values_are_none_of_its_own(watch: Watch) -> None:
    # Given
    watch.put()

    # When
    watch.measured(1000, minutes_ago=1, function="another")
    watch.measured(1, minutes_ago=1)

    # Then
    assert watch.becomes("OK")
    assert "1000" not in watch.alarm()["StateReason"]


def test_an_alarm_without_data_has_the_state_it_was_given_for_that(watch: Watch) -> None:
    # When
    watch.put(TreatMissingData="notBreaching")

    # Then
    assert watch.becomes("OK")


def test_so_many_of_so_many_data_points_must_breach(watch: Watch) -> None:
    # Given
    watch.put(EvaluationPeriods=3, DatapointsToAlarm=2)
    watch.measured(9, minutes_ago=4)
    watch.measured(1, minutes_ago=3)
    watch.measured(9, minutes_ago=2)
    watch.measured(1, minutes_ago=1)
    assert watch.becomes("OK")

    # When
    watch.measured(9, minutes_ago=1)

    # Then
    assert watch.becomes("ALARM")


def test_an_alarm_comes_back_and_both_changes_are_told_and_kept(
    ministack: Ministack, watch: Watch
) -> None:
    # Given an alarm with actions
    queue, sns = create_queue(ministack, open_to="sns.amazonaws.com"), ministack.client("sns")
    topic = sns.create_topic(Name=watch.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    watch.put(AlarmActions=[topic], OKActions=[topic], ComparisonOperator="LessThanThreshold")
    watch.measured(2, minutes_ago=1)
    assert watch.becomes("ALARM")

    # When
    watch.measured(20, minutes_ago=1)

    # Then
    assert watch.becomes("OK")
    told: list[Any] = []

    def both() -> bool:
        told.extend(message["Message"] for message in queue.bodies())
        return len(told) == 2

    assert eventually(both)
    assert '"NewStateValue": "ALARM"' in told[0]
    assert '"NewStateValue": "OK"' in told[1]
    history = watch.client.describe_alarm_history(
        AlarmName=watch.name, HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    summaries = {item["HistorySummary"] for item in history}
    assert {"Alarm updated from ALARM to OK"} <= summaries


def test_an_alarm_may_watch_an_expression(watch: Watch) -> None:
    # Given
    watch.put(
        Metrics=[
            {"Id": "rate", "Expression": PERCENT, "ReturnData": True},
            watch.term("calls", "Calls"),
            watch.term("failures", "Failures"),
        ]
    )
    watch.measured(200, minutes_ago=1, name="Calls")
    watch.measured(10, minutes_ago=1)
    assert watch.becomes("OK")

    # When
    watch.measured(1, minutes_ago=1)

    # Then
    assert watch.becomes("ALARM")


def test_a_percentile_is_one_of_the_values(watch: Watch) -> None:
    # Given
    settings = {**watch.metric("Failures"), "ExtendedStatistic": "p99", "Statistic": ""}
    watch.put(**settings)

    # When one value of 151 is high
    watch.measured(*([1] * 150), minutes_ago=1)
    watch.measured(100, minutes_ago=1)

    # Then
    assert watch.becomes("OK")


def test_a_changed_alarm_is_evaluated_anew(watch: Watch) -> None:
    # Given
    watch.put()
    watch.measured(9, minutes_ago=1)
    assert watch.becomes("ALARM")

    # When it watches something that has no data
    watch.put(**watch.metric("Failures", function="version 2"), TreatMissingData="notBreaching")

    # Then
    assert watch.becomes("OK")
