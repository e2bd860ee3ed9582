"""Takes functions back to the version before, at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tools.project import Problem
from tools.releases.code_deploy import CodeDeploy
from tools.releases.history import begin_release, end_release, previous_version, releases
from tools.releases.outcomes import FAILED, SUCCEEDED, Outcome
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
    targets = [
        (versions, _target(versions, history))
        for versions in read_versions(account, chosen_functions(names))
    ]
    code_deploy = CodeDeploy(account)
    by_code_deploy = not account.endpoint and code_deploy.exists()
    told = []
    for versions, target in targets:
        entry = begin_release(
            account, report, "rollback", versions, after=target, strategy=ALL_AT_ONCE.name
        )
        if by_code_deploy and not versions.at_once:
            outcome = _by_code_deploy(code_deploy, versions, target, report, pause)
        else:
            move_at_once(account.client("lambda"), versions, target, versions.revision)
            outcome = Outcome(SUCCEEDED)
        end_release(entry, outcome)
        if not outcome.well:
            raise Problem(
                f"{versions.function} was not taken back ({outcome.result}: {outcome.reason}). "
                "See the deployment in CodeDeploy's console, then run it again."
            )
        told.append(f"{versions.function} {target}")
    return f"live again: {', '.join(told)}"


def _target(versions: Versions, history: Sequence[Release]) -> str:
    if versions.trial:
        return versions.live
    target = previous_version(versions, history)
    if target is None:
        raise Problem(
            f"{versions.function} has no version before {versions.live}. Nothing was changed."
        )
    return target


def _by_code_deploy(
    code_deploy: CodeDeploy,
    versions: Versions,
    target: str,
    report: Callable[[str], None],
    pause: Callable[[float], None],
) -> Outcome:
    under_way = code_deploy.under_way(versions)
    if under_way:
        outcome = _follow(code_deploy.stop(under_way), report, pause)
        # It was meant to be stopped.
        return outcome if outcome.result == FAILED else Outcome(SUCCEEDED)
    deployment = code_deploy.begin(versions, target, ALL_AT_ONCE.code_deploy, heed_alarms=False)
    return _follow(deployment, report, pause)


def _follow(
    deployment: Deployment, report: Callable[[str], None], pause: Callable[[float], None]
) -> Outcome:
    while (outcome := deployment.advance()) is None:
        report(deployment.progress)
        pause(_LOOK_SECONDS)
    return outcome
