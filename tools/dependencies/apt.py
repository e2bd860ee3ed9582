"""Debian's package manager, where we may use it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tools.commands import clean_environment, run
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["install_with_apt"]


def install_with_apt(package: str, find: Callable[[], str | None]) -> str | None:
    """Install a package if we are root on Debian; return where `find` then finds its program."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    # In run level 1 Debian's scripts do not start the service: it would take the standard port.
    environment = clean_environment(DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    try:
        run(["apt-get", "update", "-qq"], environment=environment)
        run(
            ["apt-get", "install", "-qq", "--no-install-recommends", package],
            environment=environment,
        )
    except Problem:
        return None
    return find()
