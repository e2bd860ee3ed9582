"""The skopeo program, which copies images to registries without an engine and without a change."""

from __future__ import annotations

import shutil

from tools.dependencies.apt import install_with_apt
from tools.project import Problem

__all__ = ["find_skopeo"]


def find_skopeo() -> str:
    """
    Return the program, installing Debian's package where that may be done.

    Raises
    ------
    Problem
        If there is none, and how to get it.
    """

    def find() -> str | None:
        return shutil.which("skopeo")

    found = find() or install_with_apt("skopeo", find)
    if found is None:
        raise Problem(
            "skopeo is missing; it copies the images to the registry. Install it (Debian and "
            "Ubuntu: sudo apt-get install skopeo; macOS: brew install skopeo), then run it again."
        )
    return found
