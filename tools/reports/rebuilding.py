"""The function `rebuild_reports`, asked for one step after another until a task is done."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.invocations import FunctionBusy, FunctionFailed, invoke
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tools.dead_letters.accounts import Account

__all__ = ["Rebuild"]

# As long as the function may take.
_SECONDS = 130
# A dependency that is away for a moment does not end what may have taken hours.
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 1.0


@dataclass
class Rebuild:
    """
    One run of the command.

    Parameters
    ----------
    account
        The environment.
    refused
        Why records could not be projected, and how many of each.
    """

    account: Account
    refused: Counter[str] = field(default_factory=Counter)

    def tenants(self) -> list[str]:
        """Return all tenants that have a log of events."""
        return sorted({one for step in self._steps("tenants", "") for one in step["answer"]})

    def losses(self, tenants: Iterable[str], report: Callable[[str], None]) -> str:
        """Say what the log no longer holds of rows that would be emptied."""
        lines = []
        for tenant in tenants:
            for step in self._steps("losses", tenant):
                lost = step["answer"]
                if lost["changes"] or lost["deleted_items"]:
                    since = lost["kept_from"] or "now: its log is empty"
                    lines.append(
                        f"{tenant}: {lost['changes']} changes and {lost['deleted_items']} deleted "
                        f"items from before {since}"
                    )
        report(f"{len(lines)} tenants would lose something" if lines else "nothing")
        return "\n".join(["Lost for good:", *lines] if lines else ["Nothing would be lost."])

    def run(self, task: str, tenants: Iterable[str], report: Callable[[str], None]) -> None:
        """Do a task for each tenant, to its end."""
        done = 0
        for tenant in tenants:
            for step in self._steps(task, tenant):
                done += step["records"]
                report(f"{tenant or 'all tenants'}, {done} rows")
                for reason in step["reasons"]:
                    self.refused[reason] += 1
                others = step["refused"] - len(step["reasons"])
                if others:
                    self.refused["as others of this run"] += others
        report(f"{done} rows")

    def _steps(self, task: str, tenant: str) -> Iterable[dict[str, Any]]:
        position: Any = None
        while True:
            order = {"task": task, "tenant": tenant, "position": position}
            step = self._step(order)
            yield step
            position = step["position"]
            if position is None:
                return

    def _step(self, order: dict[str, Any]) -> dict[str, Any]:
        pause = _FIRST_PAUSE_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return dict(invoke(self.account, "rebuild_reports", order, seconds=_SECONDS))
            except (FunctionBusy, FunctionFailed) as error:
                if attempt == _ATTEMPTS:
                    raise Problem(
                        f"{_said(error)}. Run the command again, without --from-nothing: it does "
                        "no harm to what is done already."
                    ) from None
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")


def _said(error: FunctionBusy | FunctionFailed) -> str:
    return "another rebuild is running" if isinstance(error, FunctionBusy) else str(error)
