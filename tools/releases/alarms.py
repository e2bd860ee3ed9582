"""The alarms by which a deployment is judged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.dead_letters.accounts import Account
    from tools.releases.versions import Versions

__all__ = ["alarm_names", "firing", "require_quiet"]

# As terraform/modules/function/deployment.tf names them to CodeDeploy.
_WATCHED = ("canary", "canary-duration")
# Terraform may just have made them, or pointed them at the version that is to be deployed: they are
# evaluated each minute, and one that fires may do so for two more.
_PATIENCE_SECONDS = 240
_LOOK_SECONDS = 2
# DescribeAlarms takes a hundred names.
_AT_ONCE = 100


def alarm_names(name: str) -> list[str]:
    """Return the names of a function's alarms that count."""
    return [f"{name}-{alarm}" for alarm in _WATCHED]


def firing(account: Account, functions: Sequence[Versions]) -> dict[str, str]:
    """Return the alarms that fire, and why, by name."""
    return {
        name: str(alarm["StateReason"])
        for name, alarm in _read(account, functions).items()
        if alarm["StateValue"] == "ALARM"
    }


def require_quiet(
    account: Account,
    functions: Sequence[Versions],
    report: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """
    Wait until every alarm is OK and watches what is to be deployed.

    Raises
    ------
    Problem
        If one is missing, watches another version, has no data or fires for minutes.
    """
    for _ in range(0, _PATIENCE_SECONDS, _LOOK_SECONDS):
        alarms = _read(account, functions)
        for function in functions:
            _check_target(account, function, alarms)
        loud = {n: a["StateValue"] for n, a in alarms.items() if a["StateValue"] != "OK"}
        if not loud:
            return
        report("waits for " + ", ".join(f"{name} ({state})" for name, state in loud.items()))
        pause(_LOOK_SECONDS)
    raise Problem(_told(loud))


def _told(loud: dict[str, str]) -> str:
    without = sorted(name for name, state in loud.items() if state == "INSUFFICIENT_DATA")
    if without:
        return (
            f"Alarms without data cannot tell a bad version: {', '.join(without)}. See whether "
            "their metrics are there (a new alarm takes a minute or two), then run it again. "
            "Nothing was deployed."
        )
    return (
        f"Alarms fire before anything was deployed: {', '.join(sorted(loud))}. Find out why, or "
        "take the version back that is live (itemstream rollback); run it again when they are "
        "OK. Nothing was deployed."
    )


def _check_target(account: Account, function: Versions, alarms: dict[str, Any]) -> None:
    missing = [name for name in alarm_names(function.name) if name not in alarms]
    if missing:
        raise Problem(
            f"There is no alarm {', '.join(missing)}: apply Terraform to {account.environment} "
            "first. Nothing was deployed."
        )
    for name in alarm_names(function.name):
        watched = _watched_version(alarms[name])
        if watched != function.newest:
            raise Problem(
                f"{name} watches version {watched}, and {function.newest} is to be deployed: it "
                f"was not published by Terraform. Apply Terraform to {account.environment}, then "
                "run it again. Nothing was deployed."
            )


def _watched_version(alarm: dict[str, Any]) -> str | None:
    metrics = [query.get("MetricStat", {}).get("Metric", {}) for query in alarm.get("Metrics", ())]
    return next(
        (
            dimension["Value"]
            for metric in (alarm, *metrics)
            for dimension in metric.get("Dimensions", ())
            if dimension["Name"] == "ExecutedVersion"
        ),
        None,
    )


def _read(account: Account, functions: Sequence[Versions]) -> dict[str, Any]:
    client = account.client("cloudwatch")
    names = [name for function in functions for name in alarm_names(function.name)]
    found: dict[str, Any] = {}
    for start in range(0, len(names), _AT_ONCE):
        answer = client.describe_alarms(
            AlarmNames=names[start : start + _AT_ONCE], MaxRecords=_AT_ONCE
        )
        found.update({alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]})
    return found
