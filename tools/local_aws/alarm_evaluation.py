"""Alarms are evaluated by the clock, over the metric that they name.

AWS: an alarm with a period of a minute or more is evaluated every minute, one with a shorter period
every ten seconds, over the periods that have ended by then; a metric is its name, namespace and
dimensions; an alarm may watch an expression over several; the state changes both ways, and each
change has its actions
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html).
MiniStack 1.5.33: evaluates when data come, and so never without; takes all that came lately for one
data point, whatever its dimensions; and knows no expressions.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch

from tools.local_aws.alarm_states import EXTRA_PERIODS, alarm_state, breaches
from tools.local_aws.metric_math import UnsupportedExpressionError, evaluate

# How often it is looked whether a minute has ended, or data have come late.
_SECONDS = float(os.environ.get("ITEMSTREAM_ALARM_SECONDS", "1"))
# Those who measure send their last data of a minute when it is over.
_DELAY_SECONDS = 2.0
_STANDARD, _HIGH_RESOLUTION = 60, 10
# What comes later than this is not looked for: the values of a long run are many.
_LATEST_SECONDS = 600.0

_log = logging.getLogger("itemstream.alarm_evaluation")
# What each alarm was evaluated over: the alarm itself, until when, and how many values there were.
_seen: dict[Any, tuple[Any, float, dict[str, int]]] = {}


def apply() -> None:
    """Patch ``ministack.services.cloudwatch`` and evaluate in a thread of our own."""
    cloudwatch._evaluate_alarm = _leave_to_the_clock
    cloudwatch._evaluate_all_alarms = _leave_to_the_clock
    threading.Thread(target=_evaluate_for_ever, name="alarm-evaluation", daemon=True).start()


def _leave_to_the_clock(*_: Any) -> None:
    """Do nothing when data or an alarm come."""


def _evaluate_for_ever() -> None:
    while True:
        time.sleep(_SECONDS)
        for key, alarm in list(cloudwatch._alarms.all_items()):
            try:
                _request_account_id.set(key[0])
                _request_region.set(key[1])
                _evaluate_anew(key, alarm)
            except UnsupportedExpressionError as error:
                _log.warning("%s cannot be evaluated: %s", alarm["AlarmName"], error)
            except Exception:
                # It is changed just now, or a defect here; the next round tries again.
                _log.debug("%s was not evaluated", key, exc_info=True)


@dataclass(frozen=True)
class _Metric:
    """A series of values and how those of a period become a data point."""

    namespace: str
    name: str
    dimensions: Any
    statistic: str
    period: int

    @property
    def values(self) -> list[Any]:
        key = (self.namespace, self.name, cloudwatch._dims_key(self.dimensions))
        return cloudwatch._metrics.get(key) or []

    def points(self, ends: list[float]) -> list[float | None]:
        """Return the data points of the periods that end at these times."""
        values = self._between(ends[0] - self.period, ends[-1])
        return [
            self._point([v for v in values if end - self.period <= v["Timestamp"] < end])
            for end in ends
        ]

    def has_more(self, seen: int, until: float) -> bool:
        """Tell whether values came, after so many, that belong before a time."""
        return any(value["Timestamp"] < until for value in self.values[seen:])

    def _between(self, begin: float, end: float) -> list[Any]:
        found = []
        for value in reversed(self.values):
            if value["Timestamp"] < begin - _LATEST_SECONDS:
                break
            if begin <= value["Timestamp"] < end:
                found.append(value)
        return found

    def _point(self, values: list[Any]) -> float | None:
        statistics = cloudwatch._calc_stats(values)
        if not statistics:
            return None
        found = cloudwatch._stat_value(statistics, self.statistic, values)
        return None if found is None else float(found)


def _evaluate_anew(key: Any, alarm: dict[str, Any]) -> None:
    """Evaluate an alarm if a period has ended since, or it or its data have changed."""
    metrics = _metrics(alarm)
    if not metrics:
        return
    period = max(metric.period for metric in metrics.values())
    resolution = _STANDARD if period >= _STANDARD else _HIGH_RESOLUTION
    until = (time.time() - _DELAY_SECONDS) // resolution * resolution
    if not _changed(key, alarm, until, metrics):
        return
    evaluated = int(alarm["EvaluationPeriods"])
    count = evaluated + EXTRA_PERIODS
    ends = [until - period * back for back in reversed(range(count))]
    points = _points(alarm, metrics, ends)
    operator, threshold = alarm["ComparisonOperator"], float(alarm["Threshold"])
    state = alarm_state(
        [None if point is None else breaches(point, operator, threshold) for point in points],
        evaluated=evaluated,
        to_alarm=int(alarm.get("DatapointsToAlarm") or evaluated),
        missing=alarm.get("TreatMissingData") or "missing",
        current=alarm["StateValue"],
    )
    if state != alarm["StateValue"]:
        _change(alarm, state, _reason(points, operator, threshold))


def _changed(key: Any, alarm: Any, until: float, metrics: dict[str, _Metric]) -> bool:
    """Tell whether there is something new to evaluate, and remember what there is now."""
    before = _seen.get(key)
    counts = {name: len(metric.values) for name, metric in metrics.items()}
    _seen[key] = (alarm, until, counts)
    if before is None or before[0] is not alarm or before[1] != until:
        return True
    return any(metric.has_more(before[2][name], until) for name, metric in metrics.items())


def _metrics(alarm: dict[str, Any]) -> dict[str, _Metric]:
    """Return the metrics of an alarm by the names its expression has for them."""
    if alarm.get("MetricName"):
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return {"metric": _metric(alarm, statistic, alarm["Period"])}
    return {
        query["Id"]: _metric(stat["Metric"], stat["Stat"], stat["Period"])
        for query in alarm.get("Metrics") or ()
        if (stat := query.get("MetricStat"))
    }


def _metric(of: dict[str, Any], statistic: str, period: Any) -> _Metric:
    dimensions = cloudwatch._dims_from_list(of.get("Dimensions") or [])
    return _Metric(of["Namespace"], of["MetricName"], dimensions, statistic, int(period))


def _points(
    alarm: dict[str, Any], metrics: dict[str, _Metric], ends: list[float]
) -> list[float | None]:
    """Return the data points that are compared with the threshold."""
    series = {name: metric.points(ends) for name, metric in metrics.items()}
    queries = alarm.get("Metrics") or ()
    expressions = {q["Id"]: q["Expression"] for q in queries if q.get("Expression")}
    result = next((q["Id"] for q in queries if _returns(q)), "metric")
    if result not in expressions:
        return series[result]
    return [
        evaluate(expressions[result], {name: points[place] for name, points in series.items()})
        for place in range(len(ends))
    ]


def _returns(query: dict[str, Any]) -> bool:
    # A word in the query protocol.
    return str(query.get("ReturnData", True)).lower() == "true"


def _reason(points: Iterable[float | None], operator: str, threshold: float) -> str:
    told = ", ".join("none" if point is None else f"{point:g}" for point in points)
    return f"Threshold {operator} {threshold:g}; data points, the newest last: {told}"


def _change(alarm: dict[str, Any], state: str, reason: str) -> None:
    before = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
