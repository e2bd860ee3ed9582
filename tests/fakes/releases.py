"""An environment whose functions, alarms, deployments and log are lists in memory."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


def _error(name: str) -> type[ClientError]:
    return type(name, (ClientError,), {})


NOT_FOUND = _error("ResourceNotFoundException")
PRECONDITION = _error("PreconditionFailedException")
NO_APPLICATION = _error("ApplicationDoesNotExistException")
NO_DEPLOYMENT = _error("DeploymentDoesNotExistException")
THROTTLED = _error("ThrottlingException")
LIMIT = _error("DeploymentLimitExceededException")


def raised(kind: type[ClientError], operation: str) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": ""}}, operation)


@dataclass
class FakeLambda:
    """Aliases and versions by the function's name; each move of an alias is kept."""

    class exceptions:  # noqa: N801 (as in botocore)
        ResourceNotFoundException = NOT_FOUND
        PreconditionFailedException = PRECONDITION

    versions: dict[str, list[int]] = field(default_factory=dict)
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    moves: list[tuple[str, str, dict[str, float]]] = field(default_factory=list)

    def get_alias(self, FunctionName: str, Name: str) -> dict[str, Any]:  # noqa: N803
        assert Name == "live"
        if FunctionName not in self.aliases:
            raise raised(NOT_FOUND, "GetAlias")
        return self.aliases[FunctionName]

    def update_alias(self, **call: Any) -> dict[str, Any]:
        alias = self.aliases[call["FunctionName"]]
        if alias["RevisionId"] != call["RevisionId"]:
            raise raised(PRECONDITION, "UpdateAlias")
        weights = call["RoutingConfig"]["AdditionalVersionWeights"]
        self.moves.append((call["FunctionName"], call["FunctionVersion"], weights))
        alias = {
            "FunctionVersion": call["FunctionVersion"],
            "RevisionId": str(int(alias["RevisionId"]) + 1),
            **({"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}),
        }
        self.aliases[call["FunctionName"]] = alias
        return alias

    def get_paginator(self, operation: str) -> FakeLambda:
        assert operation == "list_versions_by_function"
        return self

    def paginate(self, FunctionName: str) -> list[dict[str, Any]]:  # noqa: N803
        numbers = ["$LATEST", *map(str, self.versions[FunctionName])]
        return [{"Versions": [{"Version": number}]} for number in numbers]


@dataclass
class FakeCloudWatch:
    """Alarms by name; `states` may be changed by a test at any time."""

    states: dict[str, str] = field(default_factory=dict)
    watched: dict[str, str] = field(default_factory=dict)

    def describe_alarms(self, AlarmNames: list[str], MaxRecords: int) -> dict[str, Any]:  # noqa: N803
        assert len(AlarmNames) <= MaxRecords <= 100
        return {"MetricAlarms": [self._alarm(name) for name in AlarmNames if name in self.states]}

    def _alarm(self, name: str) -> dict[str, Any]:
        dimensions = [{"Name": "ExecutedVersion", "Value": self.watched.get(name, "")}]
        metrics = [{"MetricStat": {"Metric": {"Dimensions": dimensions}}}]
        watches = {"Metrics": metrics} if name.endswith("canary") else {"Dimensions": dimensions}
        return {
            "AlarmName": name,
            "StateValue": self.states[name],
            "StateReason": "9 > 1",
            **watches,
        }


@dataclass
class FakeLogs:
    """One log group's streams."""

    class exceptions:  # noqa: N801 (as in botocore)
        ResourceNotFoundException = NOT_FOUND
        ResourceAlreadyExistsException = _error("ResourceAlreadyExistsException")
        ClientError = ClientError

    streams: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def create_log_stream(self, **_: Any) -> None: ...

    def put_log_events(self, **call: Any) -> None:
        self.streams[call["logStreamName"]] += call["logEvents"]

    def get_paginator(self, operation: str) -> FakeLogs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, logStreamNames: list[str], **_: Any) -> list[dict[str, Any]]:  # noqa: N803
        return [{"events": self.streams[name]} for name in logStreamNames]


@dataclass
class FakeCodeDeploy:
    """Deployments that go the way a test says: a list of what GetDeployment answers, for each."""

    class exceptions:  # noqa: N801 (as in botocore)
        ApplicationDoesNotExistException = NO_APPLICATION
        DeploymentDoesNotExistException = NO_DEPLOYMENT

    application: str | None = None
    under_way: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    throttled: int = 0

    def get_application(self, applicationName: str) -> None:  # noqa: N803
        if applicationName != self.application:
            raise raised(NO_APPLICATION, "GetApplication")

    def list_deployments(self, deploymentGroupName: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        found = self.under_way.get(deploymentGroupName)
        return {"deployments": [found] if found else []}

    def create_deployment(self, **call: Any) -> dict[str, str]:
        if call["deploymentGroupName"] in self.refuses:
            raise raised(LIMIT, "CreateDeployment")
        self.created.append(call)
        return {"deploymentId": f"d-{len(self.created)}"}

    def stop_deployment(self, deploymentId: str, autoRollbackEnabled: bool) -> None:  # noqa: N803
        assert autoRollbackEnabled
        self.stopped.append(deploymentId)

    def get_deployment(self, deploymentId: str) -> dict[str, Any]:  # noqa: N803
        if self.throttled:
            self.throttled -= 1
            raise raised(THROTTLED, "GetDeployment")
        if deploymentId not in self.answers:
            raise raised(NO_DEPLOYMENT, "GetDeployment")
        answers = self.answers[deploymentId]
        return {"deploymentInfo": answers.pop(0) if len(answers) > 1 else answers[0]}


@dataclass
class FakeEnvironment:
    """Stands for an account; `endpoint` is set where there is no CodeDeploy."""

    environment: str = "test"
    endpoint: str | None = "http://127.0.0.1:9"
    lambda_: FakeLambda = field(default_factory=FakeLambda)
    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    logs: FakeLogs = field(default_factory=FakeLogs)
    codedeploy: FakeCodeDeploy = field(default_factory=FakeCodeDeploy)

    prefix = "itemstream-test-"
    place = "memory"

    def client(self, service: str) -> Any:
        return self.lambda_ if service == "lambda" else getattr(self, service)

    def caller(self) -> str:
        return "arn:aws:sts::111122223333:assumed-role/deploy/somebody"

    def publish(self, function: str, *versions: int, live: int) -> str:
        """Make a function with these versions; its alarms are OK and watch the newest."""
        name = self.prefix + function.replace("_", "-")
        self.lambda_.versions[name] = list(versions)
        self.lambda_.aliases[name] = {"FunctionVersion": str(live), "RevisionId": "1"}
        for alarm in ("canary", "canary-duration", "duration", "throttles"):
            self.cloudwatch.states[f"{name}-{alarm}"] = "OK"
        self.watch(name, str(versions[-1]))
        return name

    def watch(self, name: str, version: str) -> None:
        """Point a function's alarms at a version, as Terraform does."""
        for alarm in ("canary", "canary-duration"):
            self.cloudwatch.watched[f"{name}-{alarm}"] = version

    def written(self) -> list[dict[str, Any]]:
        return [json.loads(event["message"]) for event in self.logs.streams["releases"]]
