"""Debian's Python 3.13 in one file: unpacked packages, made without root's namespaces or chroot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tools.commands import clean_environment, run
from tools.dependencies.buildah import find_mmdebstrap

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_system"]

# The Debian whose Python is Lambda's.
_RELEASE = "trixie"
_PACKAGES = (
    *("base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "findutils"),
    # awslambdaric's extension is C++.
    *("grep", "libc-bin", "libstdc++6", "python3", "python3-pip", "sed"),
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")


def write_system(target: Path) -> None:
    """Write a tar archive of the packages, the same for the same versions of them."""
    partial = target.with_suffix(".partial.tar")
    run(
        [
            *(find_mmdebstrap(), "--quiet", "--format=tar", "--variant=extract"),
            f"--include={','.join(_PACKAGES)}",
            *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
            *(_RELEASE, partial),
        ],
        environment=clean_environment(SOURCE_DATE_EPOCH="0", **_apt_settings()),
        remedy="Is a mirror of Debian reachable? The command can be run again at any time.",
    )
    partial.replace(target)


def _apt_settings() -> dict[str, str]:
    return {name: os.environ[name] for name in ("APT_CONFIG",) if name in os.environ}
