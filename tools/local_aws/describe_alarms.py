"""DescribeAlarms reads an alarm back whole, so that a second Terraform plan is empty.

AWS: the answer holds every property given to PutMetricAlarm, metric math included
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html).
MiniStack 1.5.33: the query protocol, which Terraform speaks, leaves out actions, statistic,
period, dimensions, description and missing-data treatment, and ``Metrics`` is never stored.
"""

import datetime as dt
import re
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

# What belongs to a single metric; an alarm on metric math has `Metrics` in their place.
_METRIC_PROPERTIES = frozenset(
    {"MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"}
)
# The rest of what the query protocol of PutMetricAlarm drops.
_DROPPED = ("Metrics", "InsufficientDataActions", "EvaluateLowSampleCountPercentile")
_MEMBER = re.compile(r"<(MetricAlarms|CompositeAlarms)>.*?</\1>", re.DOTALL)
_ALARM_NAME = re.compile(r"<member><AlarmName>(.*?)</AlarmName>", re.DOTALL)


def apply() -> None:
    """Patch ``ministack.services.cloudwatch``."""
    put_metric_alarm = cloudwatch._put_metric_alarm
    describe_alarms = cloudwatch._describe_alarms

    def put(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = put_metric_alarm(params, cbor_data, is_cbor, is_json)
        given = cbor_data if is_cbor or is_json else _unflatten(params)
        alarm = cloudwatch._alarms.get(given.get("AlarmName"))
        if answer[0] == 200 and alarm is not None:
            alarm.update({name: given[name] for name in _DROPPED if given.get(name)})
        return answer

    def describe(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = describe_alarms(params, cbor_data, is_cbor, is_json)
        status, headers, body = answer
        if status != 200 or is_cbor or is_json:
            return answer
        text = body.decode() if isinstance(body, bytes) else body
        text = _MEMBER.sub(_whole_alarms, text)
        return status, headers, text.encode()

    cloudwatch._put_metric_alarm = put
    cloudwatch._describe_alarms = describe


def _whole_alarms(match: re.Match[str]) -> str:
    kind = match[1]
    stored = cloudwatch._alarms if kind == "MetricAlarms" else cloudwatch._composite_alarms
    names = _ALARM_NAME.findall(match[0])
    return (
        f"<{kind}>" + "".join(_xml("member", _described(stored[n])) for n in names) + f"</{kind}>"
    )


def _described(alarm: dict[str, Any]) -> dict[str, Any]:
    left_out = {"Tags"}
    if alarm.get("Metrics"):
        left_out |= _METRIC_PROPERTIES
    elif alarm.get("ExtendedStatistic"):
        left_out |= {"Statistic"}
    return {name: value for name, value in alarm.items() if name not in left_out}


def _xml(name: str, value: Any) -> str:
    """Write `value` as the query protocol does: lists as ``member``, absent values not at all."""
    if value is None or value == "":
        return ""
    if isinstance(value, dict):
        content = "".join(_xml(key, item) for key, item in value.items())
    elif isinstance(value, list):
        content = "".join(_xml("member", item) for item in value)
    elif isinstance(value, bool):
        content = str(value).lower()
    elif name.endswith("Timestamp"):
        content = dt.datetime.fromtimestamp(float(value), dt.UTC).isoformat()
    else:
        content = escape(str(value))
    return f"<{name}>{content}</{name}>"


def _unflatten(params: dict[str, Any]) -> dict[str, Any]:
    """Turn query parameters (``A.member.1.B=x``) into the structure they stand for."""
    tree: dict[str, Any] = {}
    for path, values in params.items():
        node = tree
        *parents, leaf = path.split(".")
        for part in parents:
            node = node.setdefault(part, {})
        node[leaf] = values[0] if isinstance(values, list) else values
    return {name: _without_members(value) for name, value in tree.items()}


def _without_members(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        members = value["member"]
        return [_without_members(members[index]) for index in sorted(members, key=int)]
    return {name: _without_members(item) for name, item in value.items()}
