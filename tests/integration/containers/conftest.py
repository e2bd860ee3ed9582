"""The images of this checkout, built for real; skipped where nothing builds images."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from tools.containers.build import build_images, why_not_here
from tools.containers.store import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.containers.record import BuiltImage

Files = dict[str, tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="session")
def images() -> dict[str, BuiltImage]:
    if hindrance := why_not_here():
        pytest.skip(hindrance)
    return build_images(lambda _: None)


@pytest.fixture(scope="session")
def files_over_base() -> Callable[[BuiltImage], Files]:
    """Read every file and folder that an image has over its base, by its path."""
    read: dict[str, Files] = {}

    def files(image: BuiltImage) -> Files:
        base = {layer for layer, _ in IMAGES.manifest(image.base).layers}
        found: Files = {}
        for layer, _ in IMAGES.manifest(image.digest).layers:
            if layer not in base:
                if layer not in read:
                    read[layer] = dict(_files_of(layer))
                found |= read[layer]
        return found

    return files


def _files_of(layer: str) -> Iterator[tuple[str, tuple[tarfile.TarInfo, bytes]]]:
    with tarfile.open(IMAGES.blob(layer)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            yield member.name, (member, content.read() if content else b"")
