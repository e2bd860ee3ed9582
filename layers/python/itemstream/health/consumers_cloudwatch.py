"""How far consumers are behind: the age of what they read last, by CloudWatch.

Of a stream that is ``IteratorAge`` of its function, of a queue ``ApproximateAgeOfOldestMessage``.
Where nothing was read or waits, there is no metric and no lag. CloudWatch tells a minute or two
later, and of a function that is not invoked at all nothing: that an event arrives is what the
canary sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.health.model import Finding
from itemstream.health.probes import call_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemstream.health.probes import Probe

__all__ = ["ConsumerSettings", "consumers_probe"]

_SECONDS = 5.0
# How old the latest value may be: CloudWatch has the metrics of queues up to this late.
_LOOK_BACK = timedelta(minutes=3)
_NAMED = 3


@dataclass(frozen=True)
class ConsumerSettings:
    """
    Environment that names what is read, and how old what waits there may be.

    Parameters
    ----------
    resource_prefix
        What all names begin with, as in ``itemstream-prod-``.
    stream_consumers
        Functions that read streams, ``<name>=<seconds>``, separated by commas.
    queues_consumed
        Queues in the same form.
    """

    resource_prefix: str
    stream_consumers: str
    queues_consumed: str


@dataclass(frozen=True, slots=True)
class _Lag:
    name: str
    metric: dict[str, Any]
    # Values of the metric in one second.
    scale: float
    seconds_allowed: float


def consumers_probe(settings: ConsumerSettings) -> Probe:
    """Make the probe: a consumer that is behind makes the platform late, and loses nothing."""
    lags = list(_lags(settings))

    def find() -> Finding:
        now = datetime.now(UTC)
        behind = {
            lag.name: seconds
            for lag, seconds in zip(lags, _values(lags, now), strict=True)
            if seconds > lag.seconds_allowed
        }
        if not behind:
            return Finding("up")
        worst = sorted(behind, key=lambda name: -behind[name])
        named = ", ".join(f"{name} ({behind[name]:.0f} s)" for name in worst[:_NAMED])
        more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
        return Finding("degraded", f"behind: {named}{more}")

    return call_in_thread("consumers", find, _SECONDS)


def _lags(settings: ConsumerSettings) -> Iterator[_Lag]:
    for names, namespace, metric, dimension, scale in (
        (settings.stream_consumers, "AWS/Lambda", "IteratorAge", "FunctionName", 1000.0),
        (settings.queues_consumed, "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", 1.0),
    ):
        for entry in filter(None, names.split(",")):
            name, _, seconds = entry.partition("=")
            yield _Lag(
                name,
                {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [
                        {"Name": dimension, "Value": f"{settings.resource_prefix}{name}"}
                    ],
                },
                scale,
                float(seconds),
            )


def _values(lags: list[_Lag], now: datetime) -> list[float]:
    """Return the latest lag of each, in seconds; 0 where there is none."""
    latest: dict[str, tuple[datetime, float]] = {}
    pages = aws_client("cloudwatch").get_paginator("get_metric_data")
    for page in pages.paginate(
        StartTime=now - _LOOK_BACK,
        # The minute that has just begun, too.
        EndTime=now + timedelta(minutes=1),
        MetricDataQueries=[
            {
                "Id": f"lag{number}",
                "MetricStat": {"Metric": lag.metric, "Period": 60, "Stat": "Maximum"},
            }
            for number, lag in enumerate(lags)
        ],
    ):
        for result in page["MetricDataResults"]:
            for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                known = latest.get(result["Id"])
                if known is None or time > known[0]:
                    latest[result["Id"]] = time, value
    return [
        latest[f"lag{number}"][1] / lag.scale if f"lag{number}" in latest else 0.0
        for number, lag in enumerate(lags)
    ]
