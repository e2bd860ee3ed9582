"""A release that we move ourselves, step by step: where there is no CodeDeploy.

The steps are those of CodeDeploy: a share of the calls for so long, then all of them; back at once
when an alarm fires (https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-steps-lambda.html).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tools.releases.alarms import alarm_names
from tools.releases.outcomes import ROLLED_BACK, STOPPED, SUCCEEDED, Outcome
from tools.releases.versions import ALIAS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tools.releases.strategies import Strategy
    from tools.releases.versions import Versions

__all__ = ["Shift", "move_at_once"]


def move_at_once(client: Any, versions: Versions, version: str, revision: str) -> str:
    """
    Send all calls of a function to a version; return the alias's new revision.

    Raises
    ------
    botocore.exceptions.ClientError
        PreconditionFailedException if somebody has moved the alias since that revision.
    """
    return _move(client, versions, revision, version, {})


def _move(
    client: Any, versions: Versions, revision: str, version: str, weights: dict[str, float]
) -> str:
    alias = client.update_alias(
        FunctionName=versions.name,
        Name=ALIAS,
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": weights},
        RevisionId=revision,
    )
    return str(alias["RevisionId"])


class Shift:
    """
    One function on its way to its newest version.

    An interrupted one goes on with the share that it has, from the beginning of that step.

    Parameters
    ----------
    client
        A Lambda client.
    versions
        As they are now.
    """

    def __init__(
        self,
        client: Any,
        versions: Versions,
        strategy: Strategy,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._versions, self._now = client, versions, now
        self._revision = versions.revision
        share = versions.share if versions.trial == versions.newest else 0.0
        self._steps = list(strategy.after(share))
        self._until: float | None = None
        self._share = share

    @property
    def progress(self) -> str:
        """Where it is, in a few words."""
        left = max(0, round((self._until or self._now()) - self._now()))
        return f"{self._share:.0%} for {left} s"

    def advance(self, firing: Collection[str]) -> Outcome | None:
        """Do what is due; return how it ended, once it has."""
        try:
            return self._advance(firing)
        except self._client.exceptions.PreconditionFailedException:
            return Outcome(STOPPED, "somebody else moved the alias")

    def _advance(self, firing: Collection[str]) -> Outcome | None:
        alarm = next((name for name in alarm_names(self._versions.name) if name in firing), None)
        if alarm:
            self._move(self._versions.live, {})
            return Outcome(ROLLED_BACK, alarm)
        self._check_revision()
        if self._until is not None and self._now() < self._until:
            return None
        if not self._steps:
            self._move(self._versions.newest, {})
            return Outcome(SUCCEEDED)
        step = self._steps.pop(0)
        self._move(self._versions.live, {self._versions.newest: step.share})
        self._share, self._until = step.share, self._now() + step.seconds
        return None

    def _check_revision(self) -> None:
        # Somebody who has taken the weight away is not to be overruled when the step ends.
        alias = self._client.get_alias(FunctionName=self._versions.name, Name=ALIAS)
        if alias["RevisionId"] != self._revision:
            error = self._client.exceptions.PreconditionFailedException
            raise error({"Error": {"Code": "PreconditionFailedException"}}, "GetAlias")

    def _move(self, version: str, weights: dict[str, float]) -> None:
        self._revision = _move(self._client, self._versions, self._revision, version, weights)
