"""Builds the images with Docker's buildx, on AWS's own base image."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.commands import run
from tools.containers.layout import Layout
from tools.project import ROOT, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tools.containers.engine import Recipe, Target

__all__ = ["Docker"]

# Docker's own builder writes no OCI layouts; one with BuildKit in a container does.
_BUILDER = "itemstream"
_PLATFORMS = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}
# Files get the time of SOURCE_DATE_EPOCH, so that the same input makes the same image.
_OUTPUT = "type=oci,tar=false,rewrite-timestamp=true"


class Docker:
    """
    Builds with docker-bake.hcl.

    Parameters
    ----------
    secrets
        Files for the build's time, by their names.
    """

    name = "docker"
    stand_in = False

    def __init__(self, secrets: Mapping[str, Path]) -> None:
        self._secrets = secrets

    def check(self, architecture: str) -> None:
        """Both architectures can be built: nothing runs but on the platform that builds."""

    def build_base(self, target: Target, report: Callable[[str], None]) -> None:
        """Pull AWS's base image."""
        report("AWS's base image")
        self._bake({"base": {}}, target)

    def build(
        self, families: Mapping[str, Recipe], target: Target, report: Callable[[str], None]
    ) -> None:
        """Build the images of families, at once."""
        report(f"{', '.join(families)} by docker buildx bake")
        self._bake({name: recipe.labels for name, recipe in families.items()}, target)

    def _bake(self, labels: Mapping[str, Mapping[str, str]], target: Target) -> None:
        self._make_builder()
        with tempfile.TemporaryDirectory() as folder:
            settings = [
                *(f"*.secrets=id={key},src={path}" for key, path in self._secrets.items()),
                *(f"{name}.output={_OUTPUT},dest={folder}/{name}" for name in labels),
                *(
                    f"{name}.labels.{key}={value}"
                    for name, given in labels.items()
                    for key, value in given.items()
                ),
            ]
            run(
                [
                    *("docker", "buildx", "bake", "--builder", _BUILDER, "--progress", "plain"),
                    *("--file", ROOT / "docker-bake.hcl"),
                    *(part for setting in settings for part in ("--set", setting)),
                    *labels,
                ],
                environment={
                    **os.environ,
                    "SOURCE_DATE_EPOCH": "0",
                    "PLATFORM": _PLATFORMS[target.architecture],
                },
                remedy="The command can be run again at any time; what was built is kept.",
            )
            for name in labels:
                target.images.take(Layout(Path(folder) / name), target.name(name))

    def _make_builder(self) -> None:
        try:
            run(["docker", "buildx", "inspect", _BUILDER])
        except Problem:
            run(
                ["docker", "buildx", "create", "--name", _BUILDER, "--driver", "docker-container"],
                remedy="Does Docker reach its registry? Its builder is an image.",
            )
