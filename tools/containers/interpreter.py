"""The stand-in's Python, run outside of it: compiles archives to the very bytes of the images."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tools.containers.store import CONTAINERS, IMAGES, layer_folders

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["stand_in_interpreter"]

# The dynamic loader and Debian's name of the architecture.
_LOADERS = {
    "amd64": ("ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
    "arm64": ("ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
}


def stand_in_interpreter(base: str) -> Path:
    """
    Return a program that is the stand-in's Python with its own libraries; it needs no root.

    Parameters
    ----------
    base
        The digest of the stand-in for AWS's base image.

    Raises
    ------
    Problem
        If it is not here.
    """
    [root] = layer_folders(base)
    loader, libraries = _LOADERS[IMAGES.manifest(base).configuration["architecture"]]
    folder = root / "usr" / "lib" / libraries
    # The first argument tells Python where its own library is.
    python = str(root / "usr" / "bin" / "python3.13")
    command = [str(folder / loader), "--library-path", str(folder), "--argv0", python, python]
    program = CONTAINERS / "interpreters" / base.partition(":")[2] / "python3.13"
    program.parent.mkdir(parents=True, exist_ok=True)
    partial = program.with_suffix(".partial")
    partial.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    partial.chmod(0o755)
    partial.replace(program)
    return program
