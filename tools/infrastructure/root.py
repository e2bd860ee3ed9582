"""The Terraform root: how it is run and initialised, whatever it is used for."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tools.commands import run
from tools.dependencies.terraform import find_terraform, plugin_folder, terraform_environment
from tools.progress import print_problem
from tools.project import ROOT, Problem, content_hash, files_below

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CHANGES", "LOCK_FILE", "TERRAFORM", "initialise", "main", "plugin_options", "terraform"]

TERRAFORM = ROOT / "terraform"
LOCK_FILE = ".terraform.lock.hcl"
# What `terraform plan -detailed-exitcode` exits with if the plan is not empty.
CHANGES = 2
# Lines that `terraform init` acts on.
_INITIALISED = re.compile(
    r"^\s*(?:module|source|version|required_version|backend)\b.*$", re.MULTILINE
)
_NO_PROVIDER = (
    "Without a network, put the AWS provider into a plugin folder (one that holds "
    "registry.terraform.io/hashicorp/aws/…) and name it: TF_PLUGIN_DIR=<folder>. If its checksum "
    "is not in the lock file, docs/pipelines.md (What holds) has what to do."
)


def terraform(*arguments: str, root: Path = TERRAFORM) -> list[str]:
    """Return the command line that runs Terraform on a root."""
    return [str(find_terraform()), f"-chdir={root}", *arguments]


def initialise(
    environment: Mapping[str, str], data: Path, *backend: str, root: Path = TERRAFORM
) -> bool:
    """
    Make ready what `terraform init` makes ready; say whether it had to.

    Parameters
    ----------
    environment
        Terraform's environment; TF_DATA_DIR is `data`.
    data
        Where Terraform keeps modules and providers.
    backend
        Options about the backend.
    root
        The configuration's folder.

    Raises
    ------
    Problem
        If the provider is neither in a plugin folder nor in the registry.
    """
    lines = [
        line
        for path in files_below(root)
        if path.suffix in {".tf", ".hcl"}
        for line in _INITIALISED.findall(path.read_text())
    ]
    plugins = plugin_folder()
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    wanted = content_hash([], *lines, *backend, endpoint, str(plugins))
    stamp = data / "initialised"
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    data.mkdir(parents=True, exist_ok=True)
    run(
        terraform("init", *backend, *plugin_options(), *_locked(root), root=root),
        environment={**environment, "TF_DATA_DIR": str(data)},
        remedy=_NO_PROVIDER,
    )
    stamp.write_text(wanted)
    return True


def plugin_options() -> list[str]:
    """Return the option of `terraform init` that spares the registry, where a folder has it."""
    plugins = plugin_folder()
    return [f"-plugin-dir={plugins}"] if plugins else []


def _locked(root: Path) -> list[str]:
    """Have a provider refused that is not the one whose hashes a root keeps."""
    return ["-lockfile=readonly"] if (root / LOCK_FILE).exists() else []


def main(arguments: list[str]) -> int:
    """Run Terraform on the root as it is; return its exit code."""
    try:
        command = terraform(*arguments)
    except Problem as problem:
        print_problem(problem)
        return 1
    return subprocess.run(command, env=terraform_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
