"""The images that were built last, and of what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tools.containers.engine import Target
from tools.containers.store import CONTAINERS, IMAGES
from tools.project import replace_text

__all__ = ["BuiltImage", "read_record", "write_record"]

_RECORD = CONTAINERS / "built.json"


@dataclass(frozen=True)
class BuiltImage:
    """
    The image of a family, or the base image.

    Parameters
    ----------
    family, architecture
        What it is for; the architecture as Lambda calls it.
    digest
        Of its manifest: what a registry knows it by.
    base
        The digest of its base image.
    stand_in
        Whether the base is the stand-in for AWS's, so that the image is for this machine alone.
    content
        The hash of what it was built of.
    """

    family: str
    architecture: str
    digest: str
    base: str
    stand_in: bool
    content: str

    @property
    def location(self) -> str:
        """Where skopeo finds it."""
        return Target(IMAGES, self.architecture).location(self.family)

    @property
    def size(self) -> int:
        """Bytes, compressed: what a registry keeps and Lambda loads."""
        return sum(size for _, size in IMAGES.manifest(self.digest).layers)

    @property
    def size_over_base(self) -> int:
        """Bytes, compressed, that are ours and not the base image's."""
        base = {layer for layer, _ in IMAGES.manifest(self.base).layers}
        layers = IMAGES.manifest(self.digest).layers
        return sum(size for layer, size in layers if layer not in base)

    def is_current(self, content: str) -> bool:
        """Whether it was built of that content, and is there."""
        return self.content == content and IMAGES.holds(self.digest)


def read_record() -> dict[str, BuiltImage]:
    """Return what was built, by the images' names in the layout."""
    if not _RECORD.exists():
        return {}
    return {name: BuiltImage(**entry) for name, entry in json.loads(_RECORD.read_text()).items()}


def write_record(images: dict[str, BuiltImage]) -> None:
    """Keep what was built."""
    entries = {name: asdict(image) for name, image in images.items()}
    replace_text(_RECORD, json.dumps(entries, indent=2) + "\n")
