"""Ask the function `migrate` to bring the schema up to date, on the local stack or on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.invocations import FunctionBusy, FunctionFailed, invoke
from tools.project import Problem

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account

__all__ = ["migrate"]

# As long as the function may take.
_SECONDS = 905


def migrate(account: Account) -> str:
    """
    Invoke the function of an environment, and say what it did.

    Raises
    ------
    Problem
        If it fails or refuses, with its own words.
    """
    try:
        outcome = invoke(account, "migrate", {}, seconds=_SECONDS)
    except FunctionBusy:
        raise Problem("The schema is being brought up to date already: try again soon.") from None
    except FunctionFailed as failed:
        raise Problem(f"The schema was not brought up to date: {failed}") from None
    applied = outcome["applied"]
    return f"applied {', '.join(applied)}" if applied else f"{outcome['migrations']} applied before"
