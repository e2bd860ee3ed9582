"""How fast the calls of a function move to its new version, by the names that CodeDeploy has.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.project import Problem

__all__ = ["ALL_AT_ONCE", "CANARY", "Step", "Strategy", "read_strategy"]

_CANARY = re.compile(r"canary(\d{1,2})percent(\d+)(minute|minutes|seconds)")
_LINEAR = re.compile(r"linear(\d{1,2})percentevery(\d+)(minute|minutes|seconds)")
# CodeDeploy's own configurations for Lambda; another would have to be made first.
_PREDEFINED = {
    "all_at_once": "AllAtOnce",
    **{f"canary10percent{n}minutes": f"Canary10Percent{n}Minutes" for n in (5, 10, 15, 30)},
    "linear10percentevery1minute": "Linear10PercentEvery1Minute",
    **{f"linear10percentevery{n}minutes": f"Linear10PercentEvery{n}Minutes" for n in (2, 3, 10)},
}


@dataclass(frozen=True)
class Step:
    """
    A share of the calls, and for how long.

    Parameters
    ----------
    share
        From 0 to 1.
    seconds
        Until the next step.
    """

    share: float
    seconds: int


@dataclass(frozen=True)
class Strategy:
    """
    The steps before all calls go to the new version.

    Parameters
    ----------
    name
        As it was given.
    steps
        None of them: all at once.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def code_deploy(self) -> str:
        """
        Name of CodeDeploy's configuration.

        Raises
        ------
        Problem
            If CodeDeploy has none like it.
        """
        if self.name not in _PREDEFINED:
            raise Problem(
                f"CodeDeploy has no configuration like {self.name}. Use one of "
                f"{', '.join(_PREDEFINED)}."
            )
        return f"CodeDeployDefault.Lambda{_PREDEFINED[self.name]}"

    def after(self, share: float) -> tuple[Step, ...]:
        """Return the steps from a share on: where an interrupted deployment goes on."""
        return tuple(step for step in self.steps if step.share >= share)


def read_strategy(name: str) -> Strategy:
    """
    Read a strategy.

    Parameters
    ----------
    name
        ``all_at_once``, ``canary10percent5minutes`` or ``linear10percentevery1minute`` with other
        numbers, or ``seconds``, where CodeDeploy is not asked.

    Raises
    ------
    Problem
        If it is no strategy.
    """
    if name == "all_at_once":
        return Strategy(name, ())
    if found := _CANARY.fullmatch(name):
        percent, seconds = int(found[1]), _seconds(found[2], found[3])
        if percent:
            return Strategy(name, (Step(percent / 100, seconds),))
    if found := _LINEAR.fullmatch(name):
        percent, seconds = int(found[1]), _seconds(found[2], found[3])
        if percent:
            shares = range(percent, 100, percent)
            return Strategy(name, tuple(Step(share / 100, seconds) for share in shares))
    raise Problem(
        f"There is no strategy {name}. Use all_at_once, canary10percent5minutes or "
        "linear10percentevery1minute, or these with other numbers."
    )


def _seconds(count: str, unit: str) -> int:
    return int(count) * (1 if unit == "seconds" else 60)


ALL_AT_ONCE = read_strategy("all_at_once")
CANARY = read_strategy("canary10percent5minutes")
