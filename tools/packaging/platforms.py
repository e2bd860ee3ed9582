"""Where a package runs: Lambda's own platforms, or this machine."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.commands import run
from tools.dependencies.uv import find_uv, uv_environment
from tools.project import Problem

__all__ = ["LAMBDA_PYTHON", "Platform", "checked_architecture", "lambda_platform", "this_machine"]

# The runtime of every function on AWS.
LAMBDA_PYTHON = "3.13"
# Lambda's Python 3.13 runs on Amazon Linux 2023, whose glibc is 2.34; 2.28 is the newest tag below.
_WHEELS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}


@dataclass(frozen=True)
class Platform:
    """
    A target for packages.

    Parameters
    ----------
    architecture
        As Lambda calls it: x86_64 or arm64.
    python
        The minor version that runs there.
    wheels
        uv's name of the platform whose wheels fit; empty for this machine.
    interpreter
        A Python of that minor version here, which can compile byte code for it.
    """

    architecture: str
    python: str
    wheels: str
    interpreter: Path


def this_machine() -> Platform:
    """Return the machine's own Python and architecture, for the local stack."""
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Platform(architecture, python, "", Path(sys.executable))


def lambda_platform(architecture: str, interpreter: Path | None = None) -> Platform:
    """
    Return Lambda's Python 3.13 on `architecture`.

    Parameters
    ----------
    architecture
        As Lambda calls it.
    interpreter
        The Python that compiles; without, this machine's 3.13, which is installed if there is none.

    Raises
    ------
    Problem
        If Lambda has no such architecture, or there is no Python 3.13 and none can be installed.
    """
    wheels = _WHEELS[checked_architecture(architecture)]
    return Platform(architecture, LAMBDA_PYTHON, wheels, interpreter or _interpreter())


def checked_architecture(architecture: str) -> str:
    """Return `architecture`; raise a Problem if Lambda has none of that name."""
    if architecture not in _WHEELS:
        raise Problem(f"Lambda has no architecture {architecture}: use {' or '.join(_WHEELS)}.")
    return architecture


def _interpreter() -> Path:
    return _found_interpreter() or _pyenv_interpreter() or _installed_interpreter()


def _found_interpreter() -> Path | None:
    try:
        found = run([find_uv(), "python", "find", LAMBDA_PYTHON], environment=uv_environment())
    except Problem:
        return None
    return Path(found.strip())


def _installed_interpreter() -> Path:
    # Without byte code an archive would be another one than on the next machine.
    run(
        [find_uv(), "python", "install", LAMBDA_PYTHON],
        environment=uv_environment(),
        remedy=(
            f"Archives for Lambda are compiled by Python {LAMBDA_PYTHON}, and there is none here. "
            "Install one by your system's means and run the command again."
        ),
    )
    if found := _found_interpreter():
        return found
    raise Problem(
        f"uv has installed Python {LAMBDA_PYTHON} and does not find it. Is UV_PYTHON_PREFERENCE "
        "set? Unset it and run the command again."
    )


def _pyenv_interpreter() -> Path | None:
    """Return pyenv's own copy, which its stand-in on PATH hides while another version is chosen."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next(iter(sorted(root.glob(f"versions/{LAMBDA_PYTHON}.*/bin/python"))), None)
