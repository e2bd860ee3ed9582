"""Give an AWS account back as it was before `itemstream bootstrap`: state, images and roles go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tools.catalogue import families
from tools.environments.emptying import count_versions, empty_bucket
from tools.environments.registry import count_images, delete_images
from tools.infrastructure.bootstrap_root import BootstrapRoot
from tools.infrastructure.remote_state import RemoteState, state_bucket, states
from tools.infrastructure.signing_in import sign_in
from tools.progress import console
from tools.project import Problem

if TYPE_CHECKING:
    from tools.infrastructure.signing_in import SignedIn
    from tools.progress import Progress

__all__ = ["unprepare"]

_OWN = "bootstrap"
# What is destroyed stands in the state: of the variables only their form counts.
_SETTINGS = {"repository": "nobody/nothing", "environments": {}}


def unprepare(confirmed: str | None, progress: Progress) -> None:
    """
    Delete what was made for the account, if no environment is left in it.

    What is interrupted is gone on with by the next run.

    Parameters
    ----------
    confirmed
        The account's number, typed by who wants this; None: ask for it.
    progress
        Is told of each step.

    Raises
    ------
    Problem
        If an environment is left, it is not confirmed, or Terraform fails.
    """
    caller = sign_in()
    _refuse_while_something_is_left(caller)
    repositories = [f"itemstream-{family.name}" for family in families()]
    bucket = state_bucket(caller.account)
    console.print(f"[bold red]This is deleted for good in the account {caller.account}:[/]")
    console.print(f"  {sum(count_images(caller, name) for name in repositories)} images")
    console.print(f"  {count_versions(caller, bucket)} versions of Terraform's states")
    console.print("  the roles of the pipelines")
    typed = confirmed if confirmed is not None else typer.prompt("Type the account", err=True)
    if typed != caller.account:
        raise Problem(f"Nothing was deleted: {typed!r} is not {caller.account}.")
    root = BootstrapRoot.of(caller, _SETTINGS)
    with progress.step("Terraform init"):
        root.initialise()
        root.bring_state_here()
    with progress.step("Empty the registry and the state's bucket") as report:
        for name in repositories:
            delete_images(caller, name)
        empty_bucket(caller, bucket, report)
    with progress.step("Terraform destroy") as report:
        report(root.destroy(report))


def _refuse_while_something_is_left(caller: SignedIn) -> None:
    left = [
        name for name in states(caller) if name != _OWN and RemoteState(name, caller).resources()
    ]
    if left:
        raise Problem(
            f"{', '.join(left)} still lives in the account {caller.account}. First: "
            f"itemstream destroy {left[0]}"
        )
