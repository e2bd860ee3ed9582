"""The archives of Zip functions, fetched from the local AWS and unpacked once each."""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
import urllib.request
import zipfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from tools.lambda_host.code import Archive, Archives

__all__ = ["LAYER", "TASK", "UnpackedArchives"]

# Where Lambda has them: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html.
TASK = "var/task"
LAYER = "opt"
_FETCH_SECONDS = 30


class UnpackedArchives:
    """
    Unpacks archives below a folder, each as it lies in the root of a function's file system.

    Parameters
    ----------
    folder
        Emptied at the first use: what a host before has left may be half of something.
    aws_endpoint
        The local AWS's URL.
    """

    def __init__(self, folder: Path, aws_endpoint: str) -> None:
        self._place = folder
        self._endpoint = aws_endpoint
        self._unpacking: dict[str, asyncio.Task[Path]] = {}

    async def roots(self, code: Archives) -> list[Path]:
        """Return the folders that hold ``opt`` of each layer and, last, ``var/task``."""
        layers = [self._unpacked(layer, LAYER) for layer in code.layers]
        return list(await asyncio.gather(*layers, self._unpacked(code.function, TASK)))

    @cached_property
    def _folder(self) -> Path:
        shutil.rmtree(self._place, ignore_errors=True)
        return self._place

    async def _unpacked(self, archive: Archive, place: str) -> Path:
        task = self._unpacking.get(archive.identity)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            root = self._folder / hashlib.sha256(archive.identity.encode()).hexdigest()[:16]
            task = asyncio.create_task(asyncio.to_thread(self._unpack, archive, root, place))
            self._unpacking[archive.identity] = task
        return await asyncio.shield(task)

    def _unpack(self, archive: Archive, root: Path, place: str) -> Path:
        location = urljoin(self._endpoint, archive.location)
        with urllib.request.urlopen(location, timeout=_FETCH_SECONDS) as answer:  # noqa: S310
            content = io.BytesIO(answer.read())
        with zipfile.ZipFile(content) as members:
            for member in members.infolist():
                path = Path(members.extract(member, root / place))
                if mode := member.external_attr >> 16 & 0o777:
                    path.chmod(mode)
        return root
