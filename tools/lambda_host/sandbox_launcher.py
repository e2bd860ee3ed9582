"""Runs functions as Lambda does, in sandboxes: images, and archives on a base image."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from tools.containers.store import ImageConfiguration, image_configuration, layer_folders
from tools.lambda_host.code import Image
from tools.lambda_host.launcher import Started
from tools.lambda_host.sandbox import WRAPPERS, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tools.lambda_host.archives import UnpackedArchives
    from tools.lambda_host.code import Code
    from tools.lambda_host.launcher import Launch

__all__ = ["SandboxLauncher"]

# Of Lambda's managed runtimes: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
_LAYERS_ARE_IMPORTED = {"PYTHONPATH": "/opt/python"}


class SandboxLauncher:
    """
    Runs each version out of the very image, or archives, that it was published with.

    Parameters
    ----------
    base
        Digest of the image that Zip functions run on.
    """

    python = "3.13"

    def __init__(self, folder: Path, base: str, archives: UnpackedArchives) -> None:
        self._folder = folder
        self._base = base
        self._archives = archives

    def source_version(self) -> int:
        """Return the same number ever: what was published stays as it is."""
        return 0

    async def start(self, launch: Launch) -> Started:
        """Start the image's entry point with the handler."""
        configuration = launch.configuration
        layers, image = await self._root(configuration.code)
        process = await asyncio.create_subprocess_exec(
            *self._sandbox.command(
                launch, layers, image.working_folder, [*image.entry_point, configuration.handler]
            ),
            env={**image.variables, **launch.variables},
            stdin=subprocess.DEVNULL,
            stdout=launch.output,
            stderr=launch.output,
            start_new_session=True,
        )
        return Started(process, WRAPPERS)

    @cached_property
    def _sandbox(self) -> Sandbox:
        # Not before the first use: until then another host may be at work here.
        return Sandbox(self._folder)

    async def _root(self, code: Code) -> tuple[list[Path], ImageConfiguration]:
        if isinstance(code, Image):
            return await asyncio.to_thread(_image, code.digest)
        layers, image = await asyncio.to_thread(_image, self._base)
        variables = {**image.variables, **_LAYERS_ARE_IMPORTED}
        roots = await self._archives.roots(code)
        return [*layers, *roots], replace(image, variables=variables)


@lru_cache
def _image(digest: str) -> tuple[list[Path], ImageConfiguration]:
    return layer_folders(digest), image_configuration(digest)
