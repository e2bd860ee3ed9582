"""Run other programs, with output kept for the message when they fail."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tools.project import ROOT, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["clean_environment", "run"]

_KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_KEPT_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def clean_environment(**more: str) -> dict[str, str]:
    """Keep what every program needs of our environment: a user's AWS settings must not leak in."""
    kept = {name: os.environ[name] for name in _KEPT + _KEPT_PROXIES if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, **more}


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    remedy: str = "",
) -> str:
    """
    Run a program to its end and return what it wrote to standard output.

    Raises
    ------
    Problem
        If it fails: its last lines, and `remedy`.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=dict(environment) if environment is not None else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last_lines = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        program = " ".join(str(part) for part in command[:3])
        raise Problem(f"`{program} …` failed ({done.returncode}):\n{last_lines}\n{remedy}".strip())
    return done.stdout
