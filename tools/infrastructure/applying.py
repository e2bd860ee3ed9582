"""Apply a saved plan: exactly it, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.environments.artifacts import MANIFEST, pushed_images
from tools.environments.naming import find_environment
from tools.environments.registry import mark_deployed, require_images
from tools.infrastructure.remote_root import RemoteRoot
from tools.infrastructure.revision import clean_revision
from tools.infrastructure.saved_plans import check_still_good, read_description
from tools.infrastructure.signing_in import sign_in
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from tools.progress import Progress

__all__ = ["apply"]


def apply(plan: Path, progress: Progress, *, allow_dirty: bool) -> None:
    """
    Apply a plan that :func:`tools.infrastructure.planning.save` saved.

    What is interrupted leaves a state that is newer than the plan: plan again, and go on.

    Raises
    ------
    Problem
        If the plan is not good any more, an image is missing, or Terraform fails.
    """
    description = read_description(plan)
    environment = find_environment(description.environment)
    revision = clean_revision(allow_dirty=allow_dirty)
    if description.dirty and not allow_dirty:
        raise Problem(
            f"{plan} was made from files that differed from their commit. Commit, push, plan again."
        )
    root = RemoteRoot(environment, sign_in())
    with progress.step(f"Check the plan for {environment.name}") as report:
        root.initialise()
        check_still_good(plan, description, root, revision, MANIFEST)
        images = pushed_images(MANIFEST).values()
        require_images(root.caller, images)
        # Before anything runs them: the registry may not take them away meanwhile.
        mark_deployed(root.caller, images, environment.name)
        report(f"of {description.commit[:12]}, {len(images)} images are there")
    with progress.step(f"Terraform apply {environment.name}") as report:
        # Beforehand, too: what destroys or compares after a failure needs a manifest.
        root.state.keep_artifacts(MANIFEST.read_text())
        report(root.apply(plan, report))
