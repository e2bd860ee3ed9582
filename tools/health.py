"""Have the health checker check now, on the local stack or on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.invocations import FunctionFailed, invoke
from tools.project import Problem

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account

__all__ = ["check", "first_check", "told"]

# As long as the function may take.
_SECONDS = 25
# What is slow when it is first called is not said to be down: see itemstream.health.states.
_FIRST_CHECKS = 3


def check(account: Account) -> dict[str, Any]:
    """
    Invoke the checker of an environment and return what it found.

    Raises
    ------
    Problem
        If it fails, with its own words.
    """
    try:
        found: dict[str, Any] = invoke(
            account, "health_checker", {"schedule": "health"}, seconds=_SECONDS
        )
    except FunctionFailed as failed:
        raise Problem(f"The health checker fails: {failed}") from None
    return found


def first_check(account: Account) -> str:
    """Check, again while something is not up, so that GET /health knows; say what was found."""
    for _ in range(_FIRST_CHECKS):
        found = check(account)
        if all(part["state"] == "up" for part in found["parts"].values()):
            break
    return told(found)


def told(found: dict[str, Any]) -> str:
    """Say in a line how the parts are."""
    parts = found["parts"]
    not_up = [
        f"{name} is {part['state']} ({part['reason']})"
        for name, part in sorted(parts.items())
        if part["state"] != "up"
    ]
    return "; ".join(not_up) if not_up else f"{len(parts)} parts are up"
