"""Alarms are read back whole over the query protocol, which Terraform speaks."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.integration.local_aws.conftest import REGION

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack

NAMESPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"
TOPIC = "arn:aws:sns:us-east-1:000000000000:alerts"


def query(ministack: Ministack, action: str, **parameters: str) -> Any:
    """Call CloudWatch over the query protocol and return the XML."""
    request = AWSRequest(
        "POST",
        ministack.endpoint,
        data={"Action": action, "Version": "2010-08-01", **parameters},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    SigV4Auth(Credentials("test", "test"), "monitoring", REGION).add_auth(request)
    signed = request.prepare()
    answer = httpx.post(
        ministack.endpoint, content=signed.body, headers=dict(signed.headers), trust_env=False
    )
    assert answer.status_code == 200, answer.text
    return ET.fromstring(answer.text)  # noqa: S314 (MiniStack's answer)


def described(ministack: Ministack, name: str) -> Any:
    [alarms] = query(ministack, "DescribeAlarms", **{"AlarmNames.member.1": name}).iter(
        f"{NAMESPACE}MetricAlarms"
    )
    [alarm] = alarms
    return plain(alarm)


def plain(element: Any) -> Any:
    """Turn XML into what it means: lists of members, structures, text."""
    children = list(element)
    if not children:
        return element.text or ""
    if all(child.tag == f"{NAMESPACE}member" for child in children):
        return [plain(child) for child in children]
    return {child.tag.removeprefix(NAMESPACE): plain(child) for child in children}


def test_an_alarm_on_a_metric_is_read_back_whole(ministack: Ministack) -> None:
    # Given
    given = {
        "AlarmName": "single",
        "AlarmDescription": "errors > 1 & rising",
        "ActionsEnabled": "true",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "ExtendedStatistic": "p99",
        "Period": "60",
        "EvaluationPeriods": "3",
        "DatapointsToAlarm": "2",
        "Threshold": "1.5",
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }

    # When
    query(
        ministack,
        "PutMetricAlarm",
        **given,
        **{"AlarmActions.member.1": TOPIC, "OKActions.member.1": TOPIC},
        **{"InsufficientDataActions.member.1": TOPIC},
        **{"Dimensions.member.1.Name": "FunctionName", "Dimensions.member.1.Value": "f"},
    )

    # Then
    alarm = described(ministack, "single")
    assert given.items() <= alarm.items()
    for actions in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        assert alarm[actions] == [TOPIC]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": "f"}]
    assert "Statistic" not in alarm
    assert "Metrics" not in alarm


def test_an_alarm_on_metric_math_is_read_back_whole(ministack: Ministack) -> None:
    # Given
    stat = "Metrics.member.2.MetricStat."
    metrics = {
        "Metrics.member.1.Id": "rate",
        "Metrics.member.1.Expression": "100 * errors / MAX([errors, 1])",
        "Metrics.member.1.Label": "Error rate",
        "Metrics.member.1.ReturnData": "true",
        "Metrics.member.2.Id": "errors",
        "Metrics.member.2.ReturnData": "false",
        f"{stat}Metric.Namespace": "AWS/Lambda",
        f"{stat}Metric.MetricName": "Errors",
        f"{stat}Metric.Dimensions.member.1.Name": "FunctionName",
        f"{stat}Metric.Dimensions.member.1.Value": "f",
        f"{stat}Period": "60",
        f"{stat}Stat": "Sum",
    }

    # When
    query(
        ministack,
        "PutMetricAlarm",
        AlarmName="math",
        EvaluationPeriods="1",
        Threshold="5",
        ComparisonOperator="GreaterThanThreshold",
        **metrics,
    )

    # Then
    alarm = described(ministack, "math")
    assert alarm["Metrics"] == [
        {
            "Id": "rate",
            "Expression": "100 * errors / MAX([errors, 1])",
            "Label": "Error rate",
            "ReturnData": "true",
        },
        {
            "Id": "errors",
            "ReturnData": "false",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Errors",
                    "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
                },
                "Period": "60",
                "Stat": "Sum",
            },
        },
    ]
    for absent in ("Namespace", "MetricName", "Statistic", "Period", "Dimensions"):
        assert absent not in alarm
