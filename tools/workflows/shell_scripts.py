"""Shell scripts, in files and in workflows, judged by shellcheck."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.project import ROOT
from tools.workflows.steps import action_files, steps, workflow_files

__all__ = ["main", "mistakes_in"]

# What GitHub gives a step that names no shell: `bash -e`.
_BASH = ("--shell=bash", "--severity=style", "--color=never")
_FILES = sorted([*(ROOT / "tools").rglob("*.sh"), *(ROOT / "layers").glob("*.sh")])


def mistakes_in(shellcheck: Path, script: str) -> str:
    """Return what shellcheck says of a step's script, "" if nothing."""
    done = subprocess.run(
        [shellcheck, *_BASH, "-"], input=script, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def main(shellcheck: Path) -> int:
    """Check every script; print mistakes and return the exit code."""
    command = [str(shellcheck), "--color=never", *map(str, _FILES)]
    failed = subprocess.run(command, check=False).returncode != 0
    for file in [*workflow_files(), *action_files()]:
        for step in steps(file):
            if step.run and (mistakes := mistakes_in(shellcheck, step.run)):
                failed = True
                print(f"{step.place}:\n{mistakes}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
