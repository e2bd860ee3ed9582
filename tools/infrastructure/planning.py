"""Plans of an environment: to look at, or saved to be applied as they are; and what has drifted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tools.environments.artifacts import planned_artifacts, pushed_artifacts, pushed_images
from tools.environments.naming import LOCAL_ENVIRONMENT
from tools.environments.registry import registry_host, require_images
from tools.infrastructure.mocked_plans import mocked_changes, print_resources
from tools.infrastructure.plan_summary import PlanSummary, as_markdown, summarise
from tools.infrastructure.remote_root import RemoteRoot
from tools.infrastructure.revision import clean_revision, current_revision
from tools.infrastructure.saved_plans import describe
from tools.infrastructure.signing_in import sign_in, signed_in_or_none
from tools.infrastructure.workspace import Workspace
from tools.progress import console
from tools.project import Problem
from tools.stack.record import outputs
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from tools.environments.naming import Environment

__all__ = ["Report", "deployed_artifacts", "find_drift", "look", "save"]

_STAND_INS = (
    "Images were not pushed for this commit: each function of an image counts as changed where its "
    "source may have."
)
_MOCKED = "Planned without AWS, from nothing: every resource counts as created."


@dataclass(frozen=True)
class Report:
    """
    What to tell of a plan beside what Terraform prints.

    Parameters
    ----------
    summary_file
        Where to write a summary in Markdown; None: nowhere.
    """

    summary_file: Path | None

    def write(self, environment: Environment, summary: PlanSummary, note: str = "") -> None:
        """Say the counts, and write the summary."""
        console.print(f"[bold]{environment.name}[/]: {summary.counts()}")
        if self.summary_file:
            self.summary_file.parent.mkdir(parents=True, exist_ok=True)
            self.summary_file.write_text(as_markdown(environment.name, summary, note))


def look(environment: Environment, architecture: str, report: Report) -> None:
    """
    Show what an apply would make of an environment.

    The local plan is made against the local stack, the others against AWS. Without AWS
    credentials the same configuration is planned over mocked providers by `terraform test`.

    Raises
    ------
    Problem
        If the plan fails, or the local stack is not up.
    """
    if environment.name == LOCAL_ENVIRONMENT:
        _look_locally()
        return
    if caller := signed_in_or_none():
        console.print(f"Planning [bold]{environment.name}[/] in the account {caller.account}.")
        artifacts, pushed = planned_artifacts(
            architecture, registry_host(caller), current_revision()
        )
        summary = _plan(RemoteRoot(environment, caller), artifacts)
        report.write(environment, summary, "" if pushed else _STAND_INS)
        return
    console.print(
        f"No AWS credentials: planning [bold]{environment.name}[/] over mocked providers. Names "
        "and settings are those of an apply; ids and ARNs that AWS gives are made up."
    )
    changes = mocked_changes(environment)
    print_resources(changes)
    report.write(environment, summarise(changes), _MOCKED)


def save(environment: Environment, out: Path, report: Report, *, allow_dirty: bool) -> None:
    """
    Plan what is checked out and pushed, and save the plan for :mod:`.applying`.

    Raises
    ------
    Problem
        If the plan fails, or would not be one of a commit and its images.
    """
    if environment.name == LOCAL_ENVIRONMENT:
        raise Problem("A plan of the local stack is not saved: `make up` applies it.")
    revision = clean_revision(allow_dirty=allow_dirty)
    artifacts = pushed_artifacts(revision)
    caller = sign_in()
    require_images(caller, pushed_images(artifacts).values())
    root = RemoteRoot(environment, caller)
    out.parent.mkdir(parents=True, exist_ok=True)
    summary = _plan(root, artifacts, out)
    describe(out, artifacts, root, revision)
    report.write(environment, summary)


def find_drift(environment: Environment, report: Report) -> bool:
    """
    Plan with the packages that are deployed, and say whether anything would change.

    Where nothing was deployed, nothing can.

    Raises
    ------
    Problem
        If the plan fails.
    """
    root = RemoteRoot(environment, sign_in())
    if root.state.deployed_artifacts() is None:
        console.print(
            f"{environment.name} was never deployed to the account {root.caller.account}: there is "
            "nothing to compare."
        )
        return False
    with TemporaryDirectory() as folder:
        summary = _plan(root, deployed_artifacts(root, Path(folder)))
    report.write(environment, summary)
    return not summary.empty


def deployed_artifacts(root: RemoteRoot, folder: Path) -> Path:
    """
    Write the manifest that was applied last into a folder, and return its path.

    Raises
    ------
    Problem
        If nothing was deployed.
    """
    manifest = root.state.deployed_artifacts()
    if manifest is None:
        raise Problem(
            f"{root.environment.name} was never deployed to the account {root.caller.account}."
        )
    path = folder / "artifacts.json"
    path.write_text(manifest)
    return path


def _look_locally() -> None:
    stack = current_stack()
    outputs(stack)
    workspace = Workspace(stack, stack.folder / "build" / "artifacts.json")
    workspace.initialise()
    if workspace.plan():
        raise Problem("terraform plan failed: see above.")


def _plan(root: RemoteRoot, artifacts: Path, out: Path | None = None) -> PlanSummary:
    root.initialise()
    with TemporaryDirectory() as folder:
        saved = (out or Path(folder) / "plan").resolve()
        if not root.plan(artifacts, f"-out={saved}"):
            return PlanSummary()
        return summarise(root.show(saved).get("resource_changes", ()))
