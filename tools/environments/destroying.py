"""Take an environment down, for good: say first what goes with it, and then nothing is left."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import typer

from tools.environments.emptying import empty_bucket
from tools.environments.losses import attributes_of, kept_by, protected
from tools.environments.naming import LOCAL_ENVIRONMENT
from tools.infrastructure.planning import deployed_artifacts
from tools.infrastructure.remote_root import RemoteRoot
from tools.infrastructure.signing_in import sign_in
from tools.progress import console
from tools.project import Problem

if TYPE_CHECKING:
    from tools.environments.naming import Environment
    from tools.progress import Progress

__all__ = ["destroy"]


def destroy(environment: Environment, confirmed: str | None, progress: Progress) -> None:
    """
    Delete an environment with everything that it keeps.

    What is interrupted is gone on with by the next run. With nothing left it does nothing.

    Parameters
    ----------
    environment
        On AWS.
    confirmed
        Its name, typed by who wants this; None: ask for it.
    progress
        Is told of each step.

    Raises
    ------
    Problem
        If it is protected or not confirmed, or Terraform fails.
    """
    if environment.name == LOCAL_ENVIRONMENT:
        raise Problem("The local stack is taken down by `make reset`.")
    root = RemoteRoot(environment, sign_in())
    with progress.step(f"Look at {environment.name}") as report:
        root.initialise()
        state = root.pull()
        losses = kept_by(root.caller, state)
        report(f"account {root.caller.account}, {root.caller.region}")
    if not state.get("resources"):
        root.state.forget()
        console.print(f"Nothing is left of {environment.name} in this account.")
        return
    if shielded := protected(state):
        raise Problem(
            f"{environment.name} is protected: {', '.join(shielded[:3])} … refuse to be deleted. "
            f"To lift that, set deletion_protection = false in {environment.values.name}, then "
            "push, plan and apply; then destroy."
        )
    console.print(f"[bold red]This is deleted for good in {environment.name}:[/]")
    for loss in losses:
        console.print(f"  {loss}")
    _confirm(environment.name, confirmed)
    with TemporaryDirectory() as folder:
        artifacts = deployed_artifacts(root, Path(folder))
        for bucket in _buckets(state):
            with progress.step(f"Empty {bucket}") as report:
                report(f"{empty_bucket(root.caller, bucket, report)} versions deleted")
        with progress.step(f"Terraform destroy {environment.name}") as report:
            report(root.destroy(artifacts, report))
    root.state.forget()


def _confirm(name: str, confirmed: str | None) -> None:
    typed = confirmed if confirmed is not None else typer.prompt(f"Type {name} to go on", err=True)
    if typed != name:
        raise Problem(f"Nothing was deleted: {typed!r} is not {name}.")


def _buckets(state: dict[str, Any]) -> list[str]:
    return [str(values["bucket"]) for values in attributes_of(state, "aws_s3_bucket")]
