"""Takes functions back to the version before, at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.project import Problem
from tools.releases.code_deploy import CodeDeploy
from tools.releases.history import begin_release, end_release, previous_version, releases
from tools.releases.outcomes import FAILED, NOT_TAKEN_BACK, SUCCEEDED, Outcome
from tools.releases.shifting import move_at_once
from tools.releases.strategies import ALL_AT_ONCE
from tools.releases.versions import chosen_functions, read_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.dead_letters.accounts import Account
    from tools.releases.code_deploy import Deployment
    from tools.releases.history import Release
    from tools.releases.versions import Versions

__all__ = ["roll_back"]

_LOOK_SECONDS = 2.0


def roll_back(
    account: Account,
    names: Sequence[str],
    report: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """
    Take functions back; say in a line to which versions.

    One that is being deployed loses its new version's share and keeps the version that is live;
    another goes to the version that was live before. Alarms are not asked.

    Raises
    ------
    Problem
        If there is no version before, before any function is touched.
    """
    history = releases(account)
    code_deploy = CodeDeploy(account)
    by_code_deploy = not account.endpoint and code_deploy.exists()
    ways = [
        _way(versions, history, code_deploy if by_code_deploy and not versions.at_once else None)
        for versions in read_versions(account, chosen_functions(names))
    ]
    for way in ways:
        entry = begin_release(
            account,
            report,
            "rollback",
            way.versions,
            before=way.before,
            after=way.after,
            strategy=ALL_AT_ONCE.name,
        )
        outcome = _go(account, way, report, pause)
        end_release(entry, outcome)
        if not outcome.well:
            raise Problem(
                f"{way.versions.function} was not taken back ({outcome.result}: "
                f"{outcome.reason}). See the deployment in CodeDeploy's console, then run it again."
            )
    return "live again: " + ", ".join(f"{way.versions.function} {way.after}" for way in ways)


@dataclass(frozen=True)
class _Way:
    """From which version to which, by CodeDeploy or not; `ends` is its deployment under way."""

    versions: Versions
    before: str
    after: str
    code_deploy: CodeDeploy | None = None
    ends: str | None = None


def _way(versions: Versions, history: Sequence[Release], code_deploy: CodeDeploy | None) -> _Way:
    if code_deploy and (under_way := code_deploy.under_way(versions)):
        target = code_deploy.target(under_way)
        if target is None or int(target) <= int(versions.live):
            raise Problem(
                f"{versions.function} is being taken back already ({under_way}). Wait for it, then "
                "see: itemstream history. Nothing was changed."
            )
        return _Way(versions, target, versions.live, code_deploy, under_way)
    if versions.trial:
        # CodeDeploy deploys no version where it is live already: only the weight is to go.
        return _Way(versions, versions.trial, versions.live)
    target = previous_version(versions, history)
    if target is None:
        raise Problem(
            f"{versions.function} has no version before {versions.live} that was not taken back. "
            "Nothing was changed."
        )
    return _Way(versions, versions.live, target, code_deploy)


def _go(
    account: Account, way: _Way, report: Callable[[str], None], pause: Callable[[float], None]
) -> Outcome:
    if not way.code_deploy:
        move_at_once(account.client("lambda"), way.versions, way.after, way.versions.revision)
        return Outcome(SUCCEEDED)
    if way.ends:
        stopped = way.code_deploy.stop(way.ends, way.versions, way.before)
        outcome = _follow(stopped, report, pause)
        if outcome.well:
            return Outcome(FAILED, "the deployment had reached all calls already")
        # It was meant to be stopped.
        return outcome if outcome.result == NOT_TAKEN_BACK else Outcome(SUCCEEDED)
    deployment = way.code_deploy.begin(
        way.versions, way.after, ALL_AT_ONCE.code_deploy, heed_alarms=False
    )
    return _follow(deployment, report, pause)


def _follow(
    deployment: Deployment, report: Callable[[str], None], pause: Callable[[float], None]
) -> Outcome:
    while (outcome := deployment.advance()) is None:
        report(deployment.progress)
        pause(_LOOK_SECONDS)
    return outcome
