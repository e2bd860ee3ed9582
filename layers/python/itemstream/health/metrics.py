"""Each part's state and latency as metrics of their own, in the embedded metric format.

``HealthState`` is 0 for up, 1 for degraded and 2 for down, as the check found it: alarms have their
own way to wait for what lasts. ``HealthChecks`` counts the checks that were recorded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from itemstream.health.model import SEVERITY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.health.model import Measurement

__all__ = ["write_metrics"]


def write_metrics(measurements: Iterable[Measurement]) -> None:
    """Write a line for each part: a line of metrics has one set of dimensions."""
    for one in measurements:
        metrics = EphemeralMetrics()
        metrics.add_dimension(name="part", value=one.part)
        metrics.add_metric(name="HealthState", unit=MetricUnit.Count, value=SEVERITY[one.state])
        metrics.add_metric(name="HealthLatency", unit=MetricUnit.Milliseconds, value=one.latency_ms)
        print(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")), flush=True)
