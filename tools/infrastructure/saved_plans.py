"""Plans that are saved to be applied as they are: what they were made of, and if it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from tools.infrastructure.remote_root import RemoteRoot
    from tools.infrastructure.revision import Revision

__all__ = ["SavedPlan", "check_still_good", "describe", "read_description"]

_AGAIN = "Plan again: itemstream plan {} --out {}"


@dataclass(frozen=True)
class SavedPlan:
    """
    What a plan was made of.

    Parameters
    ----------
    environment, account, region
        What it is for.
    commit
        The commit that it was made from; `dirty` if files differed from it.
    lineage, serial
        The state that it was made over: which one, and how often written. Empty and 0: none.
    plan_sha256, artifacts_sha256
        Hashes of the plan's file, and of the manifest of packages.
    """

    environment: str
    account: str
    region: str
    commit: str
    dirty: bool
    lineage: str
    serial: int
    plan_sha256: str
    artifacts_sha256: str


def describe(plan: Path, artifacts: Path, root: RemoteRoot, revision: Revision) -> None:
    """Write, beside the plan, what it was made of."""
    state = root.pull()
    description = SavedPlan(
        environment=root.environment.name,
        account=root.caller.account,
        region=root.caller.region,
        commit=revision.commit,
        dirty=bool(revision.changed),
        lineage=state.get("lineage", ""),
        serial=state.get("serial", 0),
        plan_sha256=_sha256(plan),
        artifacts_sha256=_sha256(artifacts),
    )
    _description_file(plan).write_text(json.dumps(asdict(description), indent=2) + "\n")


def read_description(plan: Path) -> SavedPlan:
    """
    Read what a plan was made of.

    Raises
    ------
    Problem
        If it is not there, or is not of this plan.
    """
    try:
        description = SavedPlan(**json.loads(_description_file(plan).read_text()))
        matches = description.plan_sha256 == _sha256(plan)
    except (OSError, TypeError, ValueError):
        raise Problem(
            f"{plan} is no saved plan with {_description_file(plan).name} beside it. Make both: "
            f"itemstream plan <environment> --out {plan}"
        ) from None
    if not matches:
        raise Problem(
            f"{plan} is not the plan that {_description_file(plan).name} describes. "
            + _AGAIN.format(description.environment, plan)
        )
    return description


def check_still_good(
    plan: Path, description: SavedPlan, root: RemoteRoot, revision: Revision, artifacts: Path
) -> None:
    """
    Make sure that what a plan was made of is what is there now.

    Raises
    ------
    Problem
        If it is another account, commit, state or manifest.
    """
    again = _AGAIN.format(description.environment, plan)
    here = (root.caller.account, root.caller.region)
    if here != (description.account, description.region):
        raise Problem(
            f"The plan is for the account {description.account} in {description.region}, and you "
            f"are signed in to {here[0]} in {here[1]}. Sign in there, or plan again."
        )
    if revision.commit != description.commit:
        raise Problem(
            f"The plan was made from the commit {description.commit[:12]}, and "
            f"{revision.commit[:12]} is checked out. Check that out, or plan again."
        )
    if not artifacts.exists() or _sha256(artifacts) != description.artifacts_sha256:
        raise Problem(f"{artifacts} is not the manifest that was planned with. {again}")
    state = root.pull()
    if (state.get("lineage", ""), state.get("serial", 0)) != (
        description.lineage,
        description.serial,
    ):
        raise Problem(
            f"The plan is older than the state of {description.environment}: something was applied "
            f"since it was made. {again}"
        )


def _description_file(plan: Path) -> Path:
    return plan.with_name(f"{plan.name}.json")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
