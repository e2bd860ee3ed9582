"""Metrics in CloudWatch's embedded metric format, by Powertools Metrics.

Namespace and service come from POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME. A metric
counted anywhere during an invocation is written when the invocation ends.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import Metrics, MetricUnit

__all__ = ["count", "duration", "flush"]

_metrics = Metrics()


def count(name: str, value: int = 1) -> None:
    """Count something that happened, such as ``CacheHits``."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def duration(name: str, milliseconds: float) -> None:
    """Record how long something took."""
    _metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)


def flush(**dimensions: str) -> None:
    """Write the metrics of this invocation as one line of log, under these dimensions."""
    if not _metrics.metric_set:
        return
    for name, value in dimensions.items():
        _metrics.add_dimension(name=name, value=value)
    document: dict[str, Any] = dict(_metrics.serialize_metric_set())
    _metrics.clear_metrics()
    _write(document)


def _write(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document, separators=(",", ":")), flush=True)
