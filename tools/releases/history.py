"""What was released: who moved which function from which version to which, and what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.dead_letters.audit import RELEASES, AuditEntry, audited, entries_since
from tools.releases.code_deploy import ended
from tools.releases.outcomes import NOT_TAKEN_BACK, ROLLED_BACK, STOPPED, SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tools.dead_letters.accounts import Account
    from tools.releases.outcomes import Outcome
    from tools.releases.versions import Versions

__all__ = [
    "Release",
    "begin_release",
    "end_release",
    "follow_release",
    "markdown",
    "previous_version",
    "refused_versions",
    "releases",
]

_NOT_ENDED = "not ended"
_BAD = {NOT_TAKEN_BACK, ROLLED_BACK, STOPPED}

# As long as the log is kept.
_DAYS = 400


@dataclass(frozen=True)
class Release:
    """
    A line of the history.

    Parameters
    ----------
    action
        ``deploy`` or ``rollback``.
    result
        An outcome's, or ``not ended``: it is under way, or was interrupted.
    """

    began: str
    who: str
    action: str
    function: str
    before: str
    after: str
    strategy: str
    result: str
    reason: str

    @property
    def is_bad(self) -> bool:
        """Whether its version was taken back, or was to be, by an alarm or by somebody."""
        return self.action == "deploy" and self.result in _BAD


def begin_release(
    account: Account,
    report: Callable[[str], None],
    action: str,
    versions: Versions,
    *,
    before: str,
    after: str,
    strategy: str,
) -> AuditEntry:
    """Write down that a release begins."""
    return audited(
        account,
        report,
        action,
        stream=RELEASES,
        function=versions.function,
        before=before,
        after=after,
        strategy=strategy,
    )


def follow_release(entry: AuditEntry, deployment: str) -> None:
    """Write down which deployment of CodeDeploy's it is: it goes on when nobody looks."""
    entry.write("follows", deployment=deployment)


def end_release(entry: AuditEntry, outcome: Outcome) -> None:
    """Write down how a release ended."""
    entry.write("ends", result=outcome.result, reason=outcome.reason)


def releases(account: Account, days: int = _DAYS) -> list[Release]:
    """Return the history, the oldest first."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    runs: dict[str, dict[str, Any]] = {}
    for line in entries_since(account, since, RELEASES):
        runs.setdefault(line["run"], {"result": _NOT_ENDED, "reason": ""}).update(
            line if line["phase"] == "begins" else _added(line)
        )
    for run in runs.values():
        if run["result"] != _NOT_ENDED or "deployment" not in run:
            continue
        if outcome := ended(account, run["deployment"], run["function"], run["after"]):
            run.update(result=outcome.result, reason=outcome.reason)
    return [
        Release(
            run["at"],
            run["who"],
            run["action"],
            run["function"],
            run["before"],
            run["after"],
            run["strategy"],
            run["result"],
            run["reason"],
        )
        for run in runs.values()
        if "at" in run
    ]


def _added(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in ("deployment", "result", "reason") if name in line}


def refused_versions(history: Iterable[Release]) -> dict[str, set[str]]:
    """Return, by function, the versions that were taken back and not released well since."""
    refused: dict[str, set[str]] = {}
    for release in history:
        versions = refused.setdefault(release.function, set())
        if release.action == "rollback":
            # Even where its end is not known: somebody wanted that version away.
            versions.add(release.before)
        elif release.is_bad:
            versions.add(release.after)
        if release.result == SUCCEEDED:
            versions.discard(release.after)
    return refused


def previous_version(versions: Versions, history: Sequence[Release]) -> str | None:
    """
    Return the version that was live before, by the history or else the next older one.

    None that was taken back: to go back twice must not bring the fault again.
    """
    refused = refused_versions(history).get(versions.function, set())
    good = [number for number in versions.published if number not in refused]
    for release in reversed(history):
        if (
            release.function == versions.function
            and release.action == "deploy"
            and release.result == SUCCEEDED
            and release.after == versions.live
            and release.before in good
        ):
            return release.before
    older = [number for number in good if int(number) < int(versions.live)]
    return older[-1] if older else None


def markdown(history: Iterable[Release]) -> str:
    """Return the history as a table, the newest first."""
    lines = [
        "| began | function | what | from → to | strategy | result | who |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in reversed(list(history)):
        result = f"{one.result}: {one.reason}" if one.reason else one.result
        lines.append(
            f"| {one.began[:19]}Z | {one.function} | {one.action} | {one.before} → {one.after} "
            f"| {one.strategy} | {result} | {one.who.rpartition('/')[2]} |"
        )
    return "\n".join(lines)
