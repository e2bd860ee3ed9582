"""The Terraform root, initialised and applied for one local stack."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.commands import run
from tools.dependencies.terraform import terraform_environment
from tools.infrastructure.messages import run_with_progress
from tools.infrastructure.root import TERRAFORM, initialise, terraform
from tools.project import ROOT, Problem, content_hash, files_below
from tools.stack.run_choice import chosen
from tools.stack.urls import execute_api_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.stack.settings import Stack

__all__ = ["STATE_BUCKET", "Workspace"]

STATE_BUCKET = "itemstream-local-state"
_PARALLELISM = "-parallelism=30"
# MiniStack has been seen to answer a retried CreateAlias so; a second apply goes on from there.
_KNOWN_TO_PASS = re.compile(r"CreateAlias.*(?:409|ResourceConflict)", re.DOTALL)


@dataclass(frozen=True)
class Workspace:
    """
    Terraform's root, bound to one local stack.

    Parameters
    ----------
    stack
        Whose AWS it is applied to.
    artifacts
        The manifest of packages, see :mod:`tools.packaging.package`.
    """

    stack: Stack
    artifacts: Path

    def inputs(self) -> str:
        """Hash everything that an apply depends on; equal hashes mean nothing to apply."""
        gateway = ROOT / "openapi" / "gateway.json"
        sources = [
            path
            for path in files_below(TERRAFORM, ROOT / "functions.yaml")
            if "tests" not in path.parts
        ]
        more = [gateway] if gateway.exists() else []
        return content_hash(
            [*sources, *more], self.artifacts.read_text(), self.stack.region, *self._package_type
        )

    def initialise(self) -> bool:
        """Make the root ready; say whether it had to be made so."""
        settings = {
            "bucket": STATE_BUCKET,
            "key": "terraform.tfstate",
            "region": self.stack.region,
            "use_path_style": "true",
            "use_lockfile": "false",
            "skip_credentials_validation": "true",
            "skip_metadata_api_check": "true",
            "skip_region_validation": "true",
            "skip_requesting_account_id": "true",
        }
        backend = [f"-backend-config={name}={value}" for name, value in settings.items()]
        return initialise(self._environment(), self._data, "-reconfigure", *backend)

    def apply(self, report: Callable[[str], None]) -> str:
        """
        Apply the local environment and sum up what changed.

        Raises
        ------
        Problem
            If Terraform fails; its messages.
        """
        try:
            return self._apply(report)
        except Problem as problem:
            if not _KNOWN_TO_PASS.search(str(problem)):
                raise
            return self._apply(report)

    def has_changes(self) -> bool:
        """Say whether a plan would change anything."""
        return self._plan("-detailed-exitcode", "-no-color").returncode == 2

    def plan(self) -> int:
        """Show the plan on the terminal and return Terraform's exit code."""
        return self._plan(capture=False).returncode

    def outputs(self) -> dict[str, Any]:
        """Read the outputs of what is applied."""
        document = json.loads(run(terraform("output", "-json"), environment=self._environment()))
        return {name: output["value"] for name, output in document.items()}

    @property
    def _data(self) -> Path:
        return self.stack.folder / "terraform"

    @property
    def _inputs(self) -> tuple[str, ...]:
        external = {
            "redis_url": self.stack.redis_url,
            "database_host": "127.0.0.1",
            "database_port": self.stack.mariadb_port,
            "execute_api_url": execute_api_url(self.stack),
        }
        return (
            f"-var-file={TERRAFORM / 'environments' / 'local.tfvars'}",
            f"-var=artifacts_file={self.artifacts}",
            f"-var=external={json.dumps(external)}",
            *self._package_type,
        )

    @property
    def _package_type(self) -> tuple[str, ...]:
        chosen_type = chosen(self.stack).package_type
        return (f"-var=package_type={chosen_type}",) if chosen_type else ()

    def _environment(self) -> dict[str, str]:
        return terraform_environment(**self.stack.aws_environment(), TF_DATA_DIR=str(self._data))

    def _plan(self, *options: str, capture: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            terraform("plan", "-lock=false", _PARALLELISM, *self._inputs, *options),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=capture,
            text=True,
            check=False,
        )
        if capture and done.returncode == 1:
            raise Problem(f"terraform plan failed:\n{done.stderr}")
        return done

    def _apply(self, report: Callable[[str], None]) -> str:
        command = terraform("apply", "-json", "-auto-approve", _PARALLELISM, *self._inputs)
        log = self.stack.logs / "terraform.log"
        return run_with_progress(command, self._environment(), log, report)
