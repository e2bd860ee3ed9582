"""The images of this checkout, read by digest: their layers, unpacked, and how to run them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.commands import run
from tools.containers.layout import Layout
from tools.project import LOCAL, exclusive

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONTAINERS", "IMAGES", "ImageConfiguration", "image_configuration", "layer_folders"]

CONTAINERS = LOCAL / "containers"
IMAGES = Layout(CONTAINERS / "images")
_LAYERS = CONTAINERS / "layers"
# A file of this name takes away what a lower layer has; see the OCI image specification, "layer".
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class ImageConfiguration:
    """
    How an image wants to be run.

    Parameters
    ----------
    variables
        Environment variables.
    entry_point, command
        The program and its arguments.
    working_folder
        Where it starts.
    user
        Whom it runs as: `uid:gid`, or empty for root.
    """

    variables: dict[str, str]
    entry_point: list[str]
    command: list[str]
    working_folder: str
    user: str


def image_configuration(digest: str) -> ImageConfiguration:
    """
    Return how the image wants to be run.

    Raises
    ------
    Problem
        If there is no such image here.
    """
    found = IMAGES.manifest(digest).configuration.get("config", {})
    return ImageConfiguration(
        variables=dict(variable.split("=", 1) for variable in found.get("Env", [])),
        entry_point=list(found.get("Entrypoint") or []),
        command=list(found.get("Cmd") or []),
        working_folder=found.get("WorkingDir") or "/",
        user=found.get("User", ""),
    )


def layer_folders(digest: str) -> list[Path]:
    """
    Return the image's layers, unpacked: folders, lowest first, for the kernel's overlay.

    Raises
    ------
    Problem
        If there is no such image here.
    """
    return [_unpacked(layer) for layer, _ in IMAGES.manifest(digest).layers]


def _unpacked(layer: str) -> Path:
    folder = _LAYERS / layer.partition(":")[2]
    if folder.exists():
        return folder
    with exclusive(folder):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            run(["tar", "--extract", "--file", IMAGES.blob(layer), "--directory", partial])
            _say_as_overlay_does(partial)
            partial.rename(folder)
    return folder


def _say_as_overlay_does(folder: Path) -> None:
    """Turn files that say what is gone into what the kernel's overlay takes for that."""
    for path in list(folder.rglob(f"{_WHITEOUT}*")):
        path.unlink()
        if path.name == _OPAQUE:
            os.setxattr(path.parent, "trusted.overlay.opaque", b"y")
        else:
            os.mknod(path.with_name(path.name.removeprefix(_WHITEOUT)), 0o020000, 0)
