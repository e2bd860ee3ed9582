"""The Terraform root that prepares an account, with its state here at first and then in its bucket.

Terraform has one backend in a root, and the bucket of the state is among what this root makes. So
the root is linked into a folder of its own, beside a file that says where the state is now.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.catalogue import families
from tools.commands import run
from tools.infrastructure.messages import run_with_progress
from tools.infrastructure.plan_summary import PlanSummary, summarise
from tools.infrastructure.remote_state import RemoteState
from tools.infrastructure.root import (
    CHANGES,
    LOCK_FILE,
    TERRAFORM,
    initialise,
    plugin_options,
    terraform,
)
from tools.project import LOCAL, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tools.infrastructure.signing_in import SignedIn

__all__ = ["BootstrapRoot"]

_BACKEND = 'terraform {{\n  backend "{}" {{}}\n}}\n'


@dataclass(frozen=True)
class BootstrapRoot:
    """
    terraform/bootstrap, bound to an account.

    Parameters
    ----------
    caller
        Whose account.
    settings
        Values of the root's variables, beside those that follow from the project.
    folder
        For links, plans and, until it is in its bucket, the state.
    """

    caller: SignedIn
    settings: Mapping[str, Any]
    folder: Path

    @classmethod
    def of(cls, caller: SignedIn, settings: Mapping[str, Any]) -> BootstrapRoot:
        """Return the root of an account, in its usual folder."""
        return cls(caller, settings, LOCAL / "bootstrap" / caller.account)

    @property
    def state(self) -> RemoteState:
        """Where its state ends up."""
        return RemoteState("bootstrap", self.caller)

    def initialise(self) -> None:
        """Make the root ready where its state is now."""
        self._link()
        if not self.state.exists():
            self._initialise_here()
            return
        self._backend_file.write_text(_BACKEND.format("s3"))
        initialise(self._variables(), self._data, *self.state.backend(), root=self._root)

    def plan(self) -> PlanSummary:
        """
        Plan, print the plan and save it.

        Raises
        ------
        Problem
            If Terraform fails; it has said why.
        """
        command = self._terraform(
            *("plan", "-detailed-exitcode", f"-out={self._plan}", *self._inputs())
        )
        done = subprocess.run(command, env=self._variables(), stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return PlanSummary()
        if done.returncode != CHANGES:
            raise Problem("terraform plan failed: see above.")
        shown = run(
            self._terraform("show", "-json", str(self._plan)), environment=self._variables()
        )
        return summarise(json.loads(shown).get("resource_changes", ()))

    def apply(self, report: Callable[[str], None]) -> str:
        """
        Apply the saved plan and sum up what changed.

        Raises
        ------
        Problem
            If Terraform fails; its messages.
        """
        command = self._terraform("apply", "-json", "-parallelism=30", str(self._plan))
        return run_with_progress(command, self._variables(), self.folder / "terraform.log", report)

    def move_state(self) -> bool:
        """Put the state into the bucket that was made; say whether it was not there yet."""
        if self.state.exists() or not self._local_state.exists():
            return False
        self._backend_file.write_text(_BACKEND.format("s3"))
        options = [option for option in self.state.backend() if option != "-reconfigure"]
        run(
            self._terraform("init", "-migrate-state", "-force-copy", *options, *plugin_options()),
            environment=self._variables(),
            remedy="The state is still here. Run the command again.",
        )
        self._local_state.rename(self._local_state.with_suffix(".moved"))
        return True

    def bring_state_here(self) -> None:
        """Copy the state out of its bucket, and go on with the copy: the bucket is to go."""
        if self.state.exists():
            pulled = run(self._terraform("state", "pull"), environment=self._variables())
            self._local_state.write_text(pulled)
        self._initialise_here()

    def destroy(self, report: Callable[[str], None]) -> str:
        """
        Destroy everything in the state and sum it up.

        Raises
        ------
        Problem
            If Terraform fails; its messages.
        """
        command = self._terraform("destroy", "-json", "-auto-approve", *self._inputs())
        log = self.folder / "terraform.log"
        summary = run_with_progress(command, self._variables(), log, report)
        self._local_state.unlink()
        return summary

    def outputs(self) -> dict[str, Any]:
        """Return what was made."""
        document = json.loads(
            run(self._terraform("output", "-json"), environment=self._variables())
        )
        return {name: output["value"] for name, output in document.items()}

    @property
    def _root(self) -> Path:
        return self.folder / "root"

    @property
    def _backend_file(self) -> Path:
        return self._root / "backend.tf"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _plan(self) -> Path:
        return self.folder / "bootstrap.tfplan"

    @property
    def _local_state(self) -> Path:
        return self.folder / "bootstrap.tfstate"

    def _initialise_here(self) -> None:
        self._backend_file.write_text(_BACKEND.format("local"))
        local = f"-backend-config=path={self._local_state}"
        initialise(self._variables(), self._data, "-reconfigure", local, root=self._root)

    def _link(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        for path in (*self._root.glob("*.tf"), self._root / LOCK_FILE):
            path.unlink(missing_ok=True)
        source = TERRAFORM / "bootstrap"
        for path in (*source.glob("*.tf"), source / LOCK_FILE):
            (self._root / path.name).symlink_to(path)
        modules = self.folder / "modules"
        modules.unlink(missing_ok=True)
        modules.symlink_to(TERRAFORM / "modules")

    def _terraform(self, *arguments: str) -> list[str]:
        return terraform(*arguments, root=self._root)

    def _variables(self) -> dict[str, str]:
        return self.caller.terraform_variables(TF_DATA_DIR=str(self._data))

    def _inputs(self) -> list[str]:
        values = {
            "families": [family.name for family in families()],
            "emulated": self.caller.emulated,
            **self.settings,
        }
        file = self.folder / "settings.tfvars.json"
        file.write_text(json.dumps(values, indent=2) + "\n")
        return [f"-var-file={file}"]
