"""Metrics in CloudWatch's embedded metric format, by Powertools Metrics.

Namespace and service come from POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME. A metric
counted anywhere during an invocation is written when the invocation ends.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import Metrics, MetricUnit

__all__ = ["count", "duration", "flush"]

# Answers that are our own fault, or of what we need: for Lambda, the function does not fail.
_SERVER_ERRORS = "ServerErrors"

_metrics = Metrics()


def count(name: str, value: int = 1) -> None:
    """Count something that happened, such as ``CacheHits``."""
    _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def duration(name: str, milliseconds: float) -> None:
    """Record how long something took."""
    _metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)


def flush(*, function: str, version: str) -> None:
    """
    Write the metrics of this invocation as one line of log, by function.

    ``ServerErrors`` are written by version, too: a deployment is judged by those of the new one.
    """
    if not _metrics.metric_set:
        return
    _metrics.add_dimension(name="function", value=function)
    document: dict[str, Any] = dict(_metrics.serialize_metric_set())
    _metrics.clear_metrics()
    [directive] = document["_aws"]["CloudWatchMetrics"]
    judged = [metric for metric in directive["Metrics"] if metric["Name"] == _SERVER_ERRORS]
    if judged:
        [dimensions] = directive["Dimensions"]
        by_version = {**directive, "Dimensions": [[*dimensions, "version"]], "Metrics": judged}
        document["_aws"]["CloudWatchMetrics"].append(by_version)
        document["version"] = version
    _write(document)


def _write(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document, separators=(",", ":")), flush=True)
