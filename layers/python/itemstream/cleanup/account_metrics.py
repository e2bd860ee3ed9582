"""What each task did as metrics of its own, in the embedded metric format.

``CleanupRemoved`` and ``CleanupErrors`` count things, ``CleanupUnfinished`` is 1 where a task had
not enough time to look at everything.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:
    from itemstream.cleanup.tasks import TaskAccount

__all__ = ["write_metrics"]


def write_metrics(accounts: dict[str, TaskAccount]) -> None:
    """Write a line for each task: a line of metrics has one set of dimensions."""
    for name, account in accounts.items():
        metrics = EphemeralMetrics()
        metrics.add_dimension(name="task", value=name)
        counts = {
            "CleanupRemoved": account.removed,
            "CleanupErrors": account.errors,
            "CleanupUnfinished": 0 if account.done else 1,
        }
        for metric, value in counts.items():
            metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
        print(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")), flush=True)
