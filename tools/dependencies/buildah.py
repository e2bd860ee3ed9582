"""buildah and mmdebstrap, which build images without a daemon: found, or installed by apt."""

from __future__ import annotations

import os
import shutil

from tools.dependencies.apt import install_with_apt
from tools.project import Problem

__all__ = ["buildah_hindrance", "find_buildah", "find_mmdebstrap"]


def buildah_hindrance() -> str | None:
    """Say why buildah cannot build here, None if it can or may be installed."""
    if os.geteuid() != 0:
        return "buildah builds as root only"
    if not shutil.which("buildah") and not shutil.which("apt-get"):
        return "buildah is missing, and only on Debian and Ubuntu it is installed by itself"
    return None


def find_buildah() -> str:
    """
    Return the path of buildah.

    Raises
    ------
    Problem
        If it is missing or may not do its work here: it needs root, to make other users' files.
    """
    hindrance = buildah_hindrance()
    if hindrance is None and (found := _found("buildah")):
        return found
    raise Problem(
        f"Images cannot be built here: {hindrance or 'buildah could not be installed'}. Start "
        "Docker with its plugin buildx (https://docs.docker.com/engine/install/), or on Debian or "
        "Ubuntu `sudo apt-get install buildah mmdebstrap` and run the command as root."
    )


def find_mmdebstrap() -> str:
    """
    Return the path of mmdebstrap, which unpacks a Debian into a file.

    Raises
    ------
    Problem
        If it is missing.
    """
    if found := _found("mmdebstrap"):
        return found
    raise Problem(
        "mmdebstrap is missing, which unpacks the Debian that stands in for AWS's base image. "
        "Install it (`sudo apt-get install mmdebstrap`) or start Docker; then try again."
    )


def _found(program: str) -> str | None:
    return shutil.which(program) or install_with_apt(program, lambda: shutil.which(program))
