"""Whether this machine runs functions as Lambda does: in sandboxes, out of images."""

from __future__ import annotations

import os
import subprocess
import sys

from tools.containers.build import why_not_here
from tools.project import LOCAL, Problem

__all__ = ["check_sandboxes", "why_no_sandboxes"]

# In namespaces of its own: the machine's /mnt stays as it is.
_TRIAL = (
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork"),
    *("mount", "-t", "tmpfs", "none", "/mnt"),
)


def why_no_sandboxes() -> str | None:
    """Say why this machine cannot, None if it can; nothing is installed."""
    if sys.platform != "linux":
        return "it takes namespaces and overlays, which only Linux has"
    if os.geteuid() != 0:
        return "it takes namespaces, overlays and another user, which only root may have"
    if {":", ","} & set(str(LOCAL)):
        return f"the kernel takes no overlays whose path, {LOCAL}, holds a colon or a comma"
    if subprocess.run(_TRIAL, capture_output=True, check=False).returncode:
        return "nothing can be mounted (a container without the capability SYS_ADMIN?)"
    return why_not_here()


def check_sandboxes() -> None:
    """
    Make sure that this machine can.

    Raises
    ------
    Problem
        If it cannot.
    """
    if hindrance := why_no_sandboxes():
        raise Problem(
            f"Functions cannot run out of images here: {hindrance}. "
            "Out of the source they can: make up RUN=source"
        )
