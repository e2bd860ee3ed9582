"""A release that CodeDeploy moves, and goes back by itself; here it is begun and followed.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.project import Problem
from tools.releases.outcomes import (
    FAILED,
    NOT_TAKEN_BACK,
    ROLLED_BACK,
    STOPPED,
    SUCCEEDED,
    Outcome,
)
from tools.releases.versions import ALIAS, gets_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tools.dead_letters.accounts import Account
    from tools.releases.versions import Versions

__all__ = ["CodeDeploy", "Deployment", "ended"]

_UNDER_WAY = ["Created", "Queued", "InProgress", "Baking", "Ready"]
_ALARM = "ALARM_ACTIVE"
_THROTTLED = {"ThrottlingException", "Throttling", "TooManyRequestsException"}
# A minute: CodeDeploy makes the way back, a deployment of its own, after the end of the first.
_LOOKS_FOR_A_WAY_BACK = 12


class CodeDeploy:
    """
    CodeDeploy's application with the functions of an environment, a deployment group for each.

    Parameters
    ----------
    account
        The environment.
    """

    def __init__(self, account: Account) -> None:
        self._account, self._client = account, account.client("codedeploy")
        self._application = f"{account.prefix}functions"

    def exists(self) -> bool:
        """Say whether this environment has it; where it has not, the alias is moved at once."""
        try:
            self._client.get_application(applicationName=self._application)
        except self._client.exceptions.ApplicationDoesNotExistException:
            return False
        return True

    def found(self, versions: Versions) -> Deployment | None:
        """
        Return the deployment to the newest version that is under way already, to be followed.

        Raises
        ------
        Problem
            If another one is under way.
        """
        under_way = self.under_way(versions)
        if under_way is None:
            return None
        if self.target(under_way) == versions.newest:
            return self._followed(under_way, versions, versions.newest)
        raise Problem(
            f"Another deployment of {versions.function} is under way ({under_way}). Wait for it, "
            f"or end it: itemstream rollback {versions.function}"
        )

    def begin(
        self,
        versions: Versions,
        version: str,
        configuration: str | None,
        *,
        heed_alarms: bool = True,
    ) -> Deployment:
        """
        Begin to move a function to a version.

        Parameters
        ----------
        configuration
            Of the deployment, by CodeDeploy's name; None: the environment's own.
        heed_alarms
            Whether alarms stop it; not on the way back from what makes them fire.
        """
        options: dict[str, Any] = {}
        if configuration:
            options["deploymentConfigName"] = configuration
        if not heed_alarms:
            options["overrideAlarmConfiguration"] = {"enabled": False}
        answer = self._client.create_deployment(
            applicationName=self._application,
            deploymentGroupName=versions.name,
            revision={
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": _specification(versions, version)},
            },
            description=f"{versions.function} {versions.live} to {version}",
            **options,
        )
        return self._followed(answer["deploymentId"], versions, version)

    def under_way(self, versions: Versions) -> str | None:
        """Return the id of the deployment of a function that has not ended."""
        found = self._client.list_deployments(
            applicationName=self._application,
            deploymentGroupName=versions.name,
            includeOnlyStatuses=_UNDER_WAY,
        )["deployments"]
        return found[0] if found else None

    def stop(self, deployment: str, versions: Versions, version: str) -> Deployment:
        """End a deployment to a version, have CodeDeploy go back; return it, to be followed."""
        self._client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
        return self._followed(deployment, versions, version)

    def target(self, deployment: str) -> str | None:
        """Return the version that a deployment moves its function to."""
        info = self._client.get_deployment(deploymentId=deployment)["deploymentInfo"]
        content = info.get("revision", {}).get("appSpecContent", {}).get("content")
        if not content:
            return None
        [resource] = json.loads(content)["Resources"]
        [function] = resource.values()
        return str(function["Properties"]["TargetVersion"])

    def _followed(self, deployment: str, versions: Versions, version: str) -> Deployment:
        called = partial(gets_calls, self._account, versions.function, version)
        return Deployment(self._client, deployment, called)


class Deployment:
    """
    A deployment that is followed to its end, and to the end of its way back.

    Parameters
    ----------
    gets_calls
        Whether the version that it moves to gets any.
    looks
        How often it is looked for a way back.
    """

    def __init__(
        self,
        client: Any,
        deployment: str,
        gets_calls: Callable[[], bool],
        looks: int = _LOOKS_FOR_A_WAY_BACK,
    ) -> None:
        self._client, self.id, self._gets_calls = client, deployment, gets_calls
        self._looks = looks
        self.progress = deployment
        self._way_back: str | None = None
        self._failure: Outcome | None = None

    def advance(self, _: Collection[str] = ()) -> Outcome | None:
        """Look where it is; return how it ended, once it has."""
        following = self._way_back or self.id
        try:
            info = self._client.get_deployment(deploymentId=following)["deploymentInfo"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _THROTTLED:
                return None
            raise
        status = info["status"]
        self.progress = f"{following} {status}"
        if status in _UNDER_WAY:
            return None
        if self._way_back:
            return self._failure if status == "Succeeded" else self._not_taken_back()
        return Outcome(SUCCEEDED) if status == "Succeeded" else self._go_back(info)

    def _go_back(self, info: dict[str, Any]) -> Outcome | None:
        self._failure = _failure(info)
        self._way_back = info.get("rollbackInfo", {}).get("rollbackDeploymentId")
        if self._way_back:
            return None
        if not self._gets_calls():
            return self._failure
        self._looks -= 1
        return None if self._looks > 0 else self._not_taken_back()

    def _not_taken_back(self) -> Outcome:
        reason = self._failure.reason if self._failure else ""
        return Outcome(NOT_TAKEN_BACK, f"{self.progress} {reason}".rstrip())


def ended(account: Account, deployment: str, function: str, version: str) -> Outcome | None:
    """Return how a deployment to a version ended; None if it is under way, or forgotten."""
    client = account.client("codedeploy")
    followed = Deployment(client, deployment, partial(gets_calls, account, function, version), 1)
    try:
        # The second look is at its way back.
        return followed.advance() or followed.advance()
    except client.exceptions.DeploymentDoesNotExistException:
        return None


def _failure(info: dict[str, Any]) -> Outcome:
    error = info.get("errorInformation", {})
    message = error.get("message") or info.get("rollbackInfo", {}).get("rollbackMessage", "")
    if error.get("code") == _ALARM:
        return Outcome(ROLLED_BACK, message)
    if info["status"] == "Stopped":
        return Outcome(STOPPED, message)
    return Outcome(ROLLED_BACK if info.get("rollbackInfo") else FAILED, message)


def _specification(versions: Versions, version: str) -> str:
    """Return the AppSpec of a function: from which version to which."""
    properties = {
        "Name": versions.name,
        "Alias": ALIAS,
        "CurrentVersion": versions.live,
        "TargetVersion": version,
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    return json.dumps({"version": 0.0, "Resources": [{versions.function: resource}]})
