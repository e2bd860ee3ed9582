"""Programs that only checks need, in an environment of their own."""

from __future__ import annotations

import sys

from tools.dependencies.uv import install_environment
from tools.project import LOCAL, REQUIREMENTS

__all__ = ["check_program"]

_ENVIRONMENT = LOCAL / "checks-venv"


def check_program(name: str) -> str:
    """
    Return where a program of requirements/checks.txt is, after installing them if need be.

    Raises
    ------
    Problem
        If they cannot be had.
    """
    install_environment(_ENVIRONMENT, REQUIREMENTS / "checks.txt", sys.executable)
    return str(_ENVIRONMENT / "bin" / name)
