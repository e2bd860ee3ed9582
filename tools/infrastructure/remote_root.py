"""The Terraform root, bound to one environment on AWS."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.commands import run
from tools.infrastructure.messages import run_with_progress
from tools.infrastructure.remote_state import RemoteState
from tools.infrastructure.root import CHANGES, TERRAFORM, initialise, terraform
from tools.project import LOCAL, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.environments.naming import Environment
    from tools.infrastructure.signing_in import SignedIn

__all__ = ["RemoteRoot"]


@dataclass(frozen=True)
class RemoteRoot:
    """
    Terraform's root for an environment on AWS.

    Parameters
    ----------
    environment
        The environment.
    caller
        In whose account.
    folder
        The configuration.
    """

    environment: Environment
    caller: SignedIn
    folder: Path = TERRAFORM

    @property
    def state(self) -> RemoteState:
        """Where its state is kept."""
        return RemoteState(self.environment.name, self.caller)

    def initialise(self) -> None:
        """
        Make the root ready.

        Raises
        ------
        Problem
            If the account has no bucket for states, or the provider can't be found.
        """
        initialise(self._variables(), self._data, *self.state.backend(), root=self.folder)

    def plan(self, artifacts: Path, *options: str) -> bool:
        """
        Plan without a lock, as a plan changes nothing; show it, and say whether it is not empty.

        Raises
        ------
        Problem
            If Terraform fails; it has said why.
        """
        command = terraform(
            *("plan", "-lock=false", "-detailed-exitcode", *self._inputs(artifacts), *options),
            root=self.folder,
        )
        code = subprocess.run(
            command, env=self._variables(), stdin=subprocess.DEVNULL, check=False
        ).returncode
        if code not in {0, CHANGES}:
            raise Problem(f"terraform plan failed for {self.environment.name}: see above.")
        return code == CHANGES

    def show(self, saved: Path) -> dict[str, Any]:
        """Read a saved plan."""
        command = terraform("show", "-json", str(saved.resolve()), root=self.folder)
        document: dict[str, Any] = json.loads(run(command, environment=self._variables()))
        return document

    def apply(self, saved: Path, report: Callable[[str], None]) -> str:
        """
        Apply a saved plan and sum up what changed.

        Raises
        ------
        Problem
            If Terraform fails; its messages.
        """
        command = terraform("apply", "-json", str(saved.resolve()), root=self.folder)
        return run_with_progress(command, self._variables(), self._log, report)

    def destroy(self, artifacts: Path, report: Callable[[str], None]) -> str:
        """
        Destroy everything in the state and sum it up.

        Raises
        ------
        Problem
            If Terraform fails; its messages.
        """
        command = terraform(
            "destroy", "-json", "-auto-approve", *self._inputs(artifacts), root=self.folder
        )
        return run_with_progress(command, self._variables(), self._log, report)

    def pull(self) -> dict[str, Any]:
        """Read the state; empty if there is none."""
        command = terraform("state", "pull", root=self.folder)
        text = run(command, environment=self._variables()).strip()
        document: dict[str, Any] = json.loads(text) if text else {}
        return document

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of what is applied."""
        return {name: output["value"] for name, output in self.pull().get("outputs", {}).items()}

    @property
    def _data(self) -> Path:
        # Of each account: two may have an environment of the same name.
        return LOCAL / "terraform" / f"{self.caller.account}-{self.environment.name}"

    @property
    def _log(self) -> Path:
        return self._data / "terraform.log"

    def _variables(self) -> dict[str, str]:
        return self.caller.terraform_variables(TF_DATA_DIR=str(self._data))

    def _inputs(self, artifacts: Path) -> list[str]:
        return [*self.environment.variables(), f"-var=artifacts_file={artifacts.resolve()}"]
