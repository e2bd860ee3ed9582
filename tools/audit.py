"""Known vulnerabilities in what the locks name: `python -m tools.audit`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tools.dependencies.check_programs import check_program
from tools.dependencies.node import npm
from tools.progress import console, print_problem
from tools.project import REQUIREMENTS, Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["audit_all", "audits"]


def audits() -> dict[str, tuple[list[str], Path]]:
    """Return the command, and the folder it runs in, that looks up each lock."""
    pip_audit = [check_program("pip-audit"), "--strict", "--disable-pip"]
    found = {
        lock.name: ([*pip_audit, "--require-hashes", "--requirement", str(lock)], REQUIREMENTS)
        for lock in sorted(REQUIREMENTS.glob("*.txt"))
    }
    found["npm"] = (npm("audit", "--audit-level=low"), REQUIREMENTS / "npm")
    return found


def audit_all() -> bool:
    """Look up every lock, print what is found, and say whether that is nothing."""
    clean = True
    for name, (command, folder) in audits().items():
        console.print(f"[bold]{name}[/]")
        clean = subprocess.run(command, cwd=folder, check=False).returncode == 0 and clean
    return clean


if __name__ == "__main__":
    try:
        sys.exit(0 if audit_all() else 1)
    except Problem as problem:
        print_problem(problem)
        sys.exit(1)
