"""New versions of a function for the time of a test, as `terraform apply` would leave them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import LocalStack

# What DescribeAlarms says of an alarm beside what PutMetricAlarm takes.
_ALARM_SETTINGS = (
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions"),
    *("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator"),
    *("TreatMissingData", "Namespace", "MetricName", "Period", "Statistic", "ExtendedStatistic"),
)
_OF_VERSIONS = ("ExecutedVersion", "version")


@dataclass(frozen=True)
class PublishedVersions:
    """A function whose versions a test publishes; its alias is left where it is."""

    name: str
    lambda_: Any
    cloudwatch: Any

    @property
    def image(self) -> str:
        """The image's URI."""
        return str(self.lambda_.get_function(FunctionName=self.name)["Code"]["ImageUri"])

    @property
    def command(self) -> list[str]:
        """What the image runs."""
        found = self.lambda_.get_function_configuration(FunctionName=self.name)
        return list(found["ImageConfigResponse"]["ImageConfig"]["Command"])

    @property
    def alias(self) -> dict[str, Any]:
        return dict(self.lambda_.get_alias(FunctionName=self.name, Name="live"))

    def publish(self, *, image: str, command: list[str], description: str) -> str:
        """Publish a version and point its alarms at it; return its number."""
        self.change(image, command, description)
        version = str(self.lambda_.publish_version(FunctionName=self.name)["Version"])
        self.watch(version)
        return version

    def change(self, image: str, command: list[str], description: str) -> None:
        self.lambda_.update_function_code(FunctionName=self.name, ImageUri=image)
        self.lambda_.update_function_configuration(
            FunctionName=self.name, ImageConfig={"Command": command}, Description=description
        )

    def watch(self, version: str) -> None:
        names = [f"{self.name}-canary", f"{self.name}-canary-duration"]
        for alarm in self.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]:
            settings = {key: alarm[key] for key in _ALARM_SETTINGS if alarm.get(key)}
            if alarm.get("Metrics"):
                settings["Metrics"] = [_query(query, version) for query in alarm["Metrics"]]
            else:
                settings["Dimensions"] = _of_version(alarm["Dimensions"], version)
            self.cloudwatch.put_metric_alarm(**settings)


@contextmanager
def published_versions(stack: LocalStack, function: str) -> Iterator[PublishedVersions]:
    """Let a test publish versions; in the end the function is what Terraform made of it."""
    found = PublishedVersions(
        stack.function(function), stack.client("lambda"), stack.client("cloudwatch")
    )
    settings = found.lambda_.get_function_configuration(FunctionName=found.name)
    before = (found.image, found.command, settings["Description"])
    live = found.alias["FunctionVersion"]
    try:
        yield found
    finally:
        found.lambda_.update_alias(
            FunctionName=found.name,
            Name="live",
            FunctionVersion=live,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
        found.change(*before)
        found.watch(live)
        for version in found.lambda_.list_versions_by_function(FunctionName=found.name)["Versions"]:
            if version["Version"].isdecimal() and int(version["Version"]) > int(live):
                found.lambda_.delete_function(FunctionName=found.name, Qualifier=version["Version"])


def _of_version(dimensions: list[dict[str, str]], version: str) -> list[dict[str, str]]:
    return [{**one, "Value": version} if one["Name"] in _OF_VERSIONS else one for one in dimensions]


def _query(query: dict[str, Any], version: str) -> dict[str, Any]:
    """Return a term of an alarm as PutMetricAlarm takes it, about another version."""
    # Terraform speaks the query protocol, in which all is text.
    returned = str(query.get("ReturnData", True)).lower() == "true"
    changed = {**query, "ReturnData": returned}
    if stat := query.get("MetricStat"):
        dimensions = _of_version(stat["Metric"]["Dimensions"], version)
        metric = {**stat["Metric"], "Dimensions": dimensions}
        changed["MetricStat"] = {**stat, "Period": int(stat["Period"]), "Metric": metric}
    return changed
