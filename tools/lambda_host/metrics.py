"""CloudWatch metrics: those that functions log (EMF), and Lambda's own about them.

The embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

_log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html takes 150
# values for each metric, 1,000 metrics and 1 MB at once; 250 full ones stay well below the last.
_VALUES = 150
_METRICS_PER_CALL = 250
# What is kept while CloudWatch is away.
_SERIES = 20_000


@dataclass(frozen=True)
class _Series:
    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    name: str
    unit: str
    resolution: int
    second: int


@dataclass(frozen=True)
class Invoked:
    """
    What an invocation is counted for.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html.

    Attributes
    ----------
    resource
        The function with the qualifier it was invoked by, like ``create-item:live``.
    version
        The version that ran; an alias with weights has two of them.
    """

    function: str
    resource: str
    version: str

    @property
    def dimensions(self) -> Iterator[tuple[tuple[str, str], ...]]:
        """Each set of dimensions that its metrics have."""
        by_function = ("FunctionName", self.function)
        by_resource = ("Resource", self.resource)
        yield (by_function,)
        yield (by_function, by_resource)
        # Of aliases only: a version's own name says which ran.
        if self.resource not in (self.function, f"{self.function}:{self.version}"):
            yield (by_function, by_resource, ("ExecutedVersion", self.version))


class Metrics:
    """Gathers values and sends them in few calls.

    Parameters
    ----------
    client
        A CloudWatch client.
    """

    def __init__(self, client: CloudWatchClient) -> None:
        self._client = client
        self._values: dict[_Series, Counter[float]] = defaultdict(Counter)

    def invocation(self, of: Invoked, *, milliseconds: float, failed: bool, running: int) -> None:
        """Count an invocation in the namespace ``AWS/Lambda``.

        Parameters
        ----------
        running
            Invocations of the function at its start, itself included.
        """
        self._lambda(of, "Invocations", "Count", 1)
        self._lambda(of, "Errors", "Count", int(failed))
        self._lambda(of, "Throttles", "Count", 0)
        self._lambda(of, "Duration", "Milliseconds", round(milliseconds, 2))
        self._lambda(of, "ConcurrentExecutions", "Count", running)

    def throttle(self, of: Invoked) -> None:
        """Count a refused invocation in the namespace ``AWS/Lambda``."""
        self._lambda(of, "Throttles", "Count", 1)

    def read(self, line: str) -> None:
        """Take the metrics of a log line, if it is one in the embedded metric format."""
        if not line.startswith("{") or '"_aws"' not in line:
            return
        try:
            self._embedded(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("Not in the embedded metric format: %.200s", line)

    def flush(self) -> None:
        """Send what was gathered; keep it if CloudWatch is away."""
        values, self._values = self._values, defaultdict(Counter)
        namespaces: dict[str, list[_Series]] = defaultdict(list)
        for series in values:
            namespaces[series.namespace].append(series)
        for namespace, members in namespaces.items():
            for start in range(0, len(members), _METRICS_PER_CALL):
                self._put(namespace, members[start : start + _METRICS_PER_CALL], values)

    def _put(
        self, namespace: str, members: list[_Series], values: Mapping[_Series, Counter[float]]
    ) -> None:
        data = [datum for series in members for datum in _data(series, values[series])]
        try:
            for start in range(0, len(data), _METRICS_PER_CALL):
                self._client.put_metric_data(
                    Namespace=namespace, MetricData=data[start : start + _METRICS_PER_CALL]
                )
        except ClientError as error:
            _log.warning("CloudWatch refused metrics of %s: %s", namespace, error)
        except BotoCoreError:
            if len(self._values) < _SERIES:
                for series in members:
                    self._values[series].update(values[series])

    def _lambda(self, of: Invoked, name: str, unit: str, value: float) -> None:
        now = int(time.time())
        for dimensions in of.dimensions:
            self._values[_Series("AWS/Lambda", dimensions, name, unit, 60, now)][value] += 1

    def _embedded(self, document: dict[str, Any]) -> None:
        second = document["_aws"]["Timestamp"] // 1000
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for keys in directive.get("Dimensions") or [[]]:
                dimensions = tuple((key, str(document[key])) for key in keys)
                for metric in directive["Metrics"]:
                    series = _Series(
                        directive["Namespace"],
                        dimensions,
                        metric["Name"],
                        metric.get("Unit", "None"),
                        metric.get("StorageResolution", 60),
                        second,
                    )
                    found = document[metric["Name"]]
                    values = found if isinstance(found, list) else [found]
                    self._values[series].update(float(value) for value in values)


def _data(series: _Series, values: Counter[float]) -> Iterable[MetricDatumTypeDef]:
    pairs = list(values.items())
    for start in range(0, len(pairs), _VALUES):
        part = pairs[start : start + _VALUES]
        yield cast(
            "MetricDatumTypeDef",
            {
                "MetricName": series.name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in series.dimensions],
                "Timestamp": datetime.fromtimestamp(series.second, UTC),
                "Unit": series.unit,
                "StorageResolution": series.resolution,
                "Values": [value for value, _ in part],
                "Counts": [count for _, count in part],
            },
        )
