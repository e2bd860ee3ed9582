"""Brings functions to their newest versions, all of them side by side."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from tools.project import Problem
from tools.releases.alarms import firing, require_quiet
from tools.releases.code_deploy import CodeDeploy
from tools.releases.history import (
    begin_release,
    end_release,
    follow_release,
    refused_versions,
    releases,
)
from tools.releases.outcomes import FAILED, Outcome
from tools.releases.shifting import Shift
from tools.releases.strategies import ALL_AT_ONCE, CANARY
from tools.releases.versions import chosen_functions, read_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager

    from tools.dead_letters.accounts import Account
    from tools.dead_letters.audit import AuditEntry
    from tools.releases.strategies import Strategy
    from tools.releases.versions import Versions

__all__ = ["alone", "deploy"]

_LOCAL_SECONDS, _AWS_SECONDS = 1.0, 5.0


class Moving(Protocol):
    """A release on its way, whoever moves it."""

    @property
    def progress(self) -> str:
        """Where it is, in a few words."""

    def advance(self, firing: Collection[str]) -> Outcome | None:
        """Do what is due; return how it ended, once it has."""


class NotBegun:
    """A release that was refused."""

    progress = "was not begun"

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def advance(self, _: Collection[str]) -> Outcome:
        """Return how it ended."""
        return Outcome(FAILED, self._reason)


def deploy(
    account: Account,
    names: Sequence[str],
    strategy: Strategy | None,
    report: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """
    Bring functions to their newest published versions; say in a line what was done.

    Parameters
    ----------
    names
        Functions of the catalogue; none: all. A version that was taken back is deployed again only
        if its function is named.
    strategy
        None: the environment's own.

    Raises
    ------
    Problem
        If nothing was begun because of something that can be mended, or if a version was taken
        back; what was deployed stays, and the command can be run again.
    """
    known = read_versions(account, chosen_functions(names))
    waiting = [versions for versions in known if versions.live != versions.newest]
    if not waiting:
        told = ", ".join(f"{versions.function} {versions.live}" for versions in known if names)
        return f"nothing to do, the newest is live already: {told or 'every function'}"
    refused = [] if names else _refused(account, waiting)
    waiting = [versions for versions in waiting if versions not in refused]
    if waiting:
        _complain_of_others(waiting)
        # What goes on has its alarms watched from the first step on.
        require_quiet(account, [v for v in waiting if not v.trial], report, pause)
    outcomes = _move_all(account, waiting, strategy, report, pause)
    _complain(account, outcomes, refused)
    return f"{len(outcomes)} to their newest versions: {', '.join(sorted(outcomes))}"


def alone(account: Account) -> AbstractContextManager[None]:
    """
    Keep other commands from changing a local stack; on AWS, CodeDeploy sees to that.

    Raises
    ------
    Problem
        If another one is at work.
    """
    if not account.endpoint:
        return nullcontext()
    from tools.stack.settings import current_stack

    return current_stack().locked()


def _refused(account: Account, waiting: list[Versions]) -> list[Versions]:
    refused = refused_versions(releases(account))
    return [one for one in waiting if one.newest in refused.get(one.function, ())]


def _complain_of_others(waiting: list[Versions]) -> None:
    for versions in waiting:
        if versions.trial and versions.trial != versions.newest:
            raise Problem(
                f"Version {versions.trial} of {versions.function} is being tried, and "
                f"{versions.newest} is newer. End that first: "
                f"itemstream rollback {versions.function}"
            )


def _move_all(
    account: Account,
    waiting: list[Versions],
    strategy: Strategy | None,
    report: Callable[[str], None],
    pause: Callable[[float], None],
) -> dict[str, Outcome]:
    code_deploy = CodeDeploy(account)
    # The local AWS has none.
    by_code_deploy = bool(waiting) and not account.endpoint and code_deploy.exists()
    theirs = [versions for versions in waiting if by_code_deploy and not versions.at_once]
    ours = [versions for versions in waiting if versions not in theirs]
    moving = _with_code_deploy(account, code_deploy, theirs, strategy, report) if theirs else {}
    moving |= _ourselves(account, ours, strategy, report)
    outcomes: dict[str, Outcome] = {}
    while moving:
        alarms = firing(account, ours) if ours else {}
        for function, (one, entry) in list(moving.items()):
            if outcome := one.advance(alarms):
                end_release(entry, outcome)
                outcomes[function] = outcome
                del moving[function]
        if moving:
            report(" · ".join(f"{name} {one.progress}" for name, (one, _) in moving.items()))
            pause(_AWS_SECONDS if by_code_deploy else _LOCAL_SECONDS)
    return outcomes


def _with_code_deploy(
    account: Account,
    code_deploy: CodeDeploy,
    waiting: list[Versions],
    strategy: Strategy | None,
    report: Callable[[str], None],
) -> dict[str, tuple[Moving, AuditEntry]]:
    # Before the first one begins: what is wrong with any of them stops all.
    configuration = strategy.code_deploy if strategy else None
    found = {versions.function: code_deploy.found(versions) for versions in waiting}
    told = strategy.name if strategy else "the environment's"
    moving: dict[str, tuple[Moving, AuditEntry]] = {}
    for versions in waiting:
        entry = _begun(account, report, versions, told)
        try:
            one = found[versions.function] or code_deploy.begin(
                versions, versions.newest, configuration
            )
        except ClientError as error:
            # The others are under way: they are followed, and this one is told at the end.
            moving[versions.function] = (NotBegun(str(error)), entry)
            continue
        follow_release(entry, one.id)
        moving[versions.function] = (one, entry)
    return moving


def _ourselves(
    account: Account,
    waiting: list[Versions],
    strategy: Strategy | None,
    report: Callable[[str], None],
) -> dict[str, tuple[Moving, AuditEntry]]:
    client = account.client("lambda")
    usual = strategy or (CANARY if account.endpoint else ALL_AT_ONCE)
    moving: dict[str, tuple[Moving, AuditEntry]] = {}
    for versions in waiting:
        chosen = ALL_AT_ONCE if versions.at_once else usual
        entry = _begun(account, report, versions, chosen.name)
        moving[versions.function] = (Shift(client, versions, chosen), entry)
    return moving


def _begun(
    account: Account, report: Callable[[str], None], versions: Versions, strategy: str
) -> AuditEntry:
    return begin_release(
        account,
        report,
        "deploy",
        versions,
        before=versions.live,
        after=versions.newest,
        strategy=strategy,
    )


def _complain(account: Account, outcomes: dict[str, Outcome], refused: list[Versions]) -> None:
    """Say which functions do not run their newest versions."""
    lines = [
        f"{name} {'has' if outcome.result == FAILED else 'was'} {outcome.result}: "
        f"{outcome.reason}".rstrip(": ")
        for name, outcome in sorted(outcomes.items())
        if not outcome.well
    ]
    lines += [
        f"{one.function} stays at version {one.live}: {one.newest} was taken back before. "
        f"To try it again all the same: itemstream deploy {one.function}"
        for one in refused
    ]
    if not lines:
        return
    environment = "" if account.endpoint else f" -e {account.environment}"
    raise Problem(
        "\n".join(lines)
        + "\nPublish a version that is mended; docs/runbooks/roll-back.md says how to find what "
        f"is wrong. What happened: itemstream history{environment}"
    )
