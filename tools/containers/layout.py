"""An OCI image layout: images in a folder, each found by the digest of its manifest.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.project import Problem, replace_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Layout", "Manifest"]

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Manifest:
    """
    What an image consists of.

    Parameters
    ----------
    digest
        Of the manifest, which a registry knows the image by.
    layers
        Digests and compressed sizes in bytes, lowest first.
    configuration
        The image's configuration, as the OCI image specification has it.
    """

    digest: str
    layers: tuple[tuple[str, int], ...]
    configuration: dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """The layout in `folder`."""

    folder: Path

    def blob(self, digest: str) -> Path:
        """Return where the content of a digest is."""
        algorithm, _, value = digest.partition(":")
        return self.folder / "blobs" / algorithm / value

    def holds(self, digest: str) -> bool:
        """Whether there is something of that digest."""
        return self.blob(digest).is_file()

    def manifest(self, digest: str) -> Manifest:
        """
        Read an image.

        Raises
        ------
        Problem
            If it is not there.
        """
        if not self.holds(digest):
            raise Problem(f"There is no image {digest} here. `make images` builds what is missing.")
        document = json.loads(self.blob(digest).read_text())
        layers = tuple((layer["digest"], layer["size"]) for layer in document["layers"])
        configuration = json.loads(self.blob(document["config"]["digest"]).read_text())
        return Manifest(digest, layers, configuration)

    def named(self, name: str) -> str:
        """Return the digest of the image that bears a name."""
        for entry in self._index()["manifests"]:
            if entry.get("annotations", {}).get(_NAME) == name:
                return str(entry["digest"])
        raise Problem(f"No image is called {name} in {self.folder}. `make images` builds it.")

    def take(self, other: Layout, name: str) -> None:
        """Take over the single image of another layout, which is of no use then, under a name."""
        [entry] = other._index()["manifests"]
        if entry["mediaType"] != _MANIFEST:
            raise Problem(
                f"{name} was built as {entry['mediaType']}, which Lambda does not run: build it "
                "for one platform, without provenance and SBOM."
            )
        for blob in (other.folder / "blobs" / "sha256").iterdir():
            target = self.blob(f"sha256:{blob.name}")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                # It may come from another file system, which copies; a digest stands for all of it.
                partial = target.with_name(f"{target.name}.partial")
                shutil.move(blob, partial)
                partial.replace(target)
        index = self._index()
        others = [
            known for known in index["manifests"] if known.get("annotations", {}).get(_NAME) != name
        ]
        index["manifests"] = [*others, {**entry, "annotations": {_NAME: name}}]
        replace_text(self.folder / "oci-layout", '{"imageLayoutVersion": "1.0.0"}')
        replace_text(self.folder / "index.json", json.dumps(index))

    def _index(self) -> dict[str, Any]:
        path = self.folder / "index.json"
        if not path.exists():
            return {"schemaVersion": 2, "manifests": []}
        index: dict[str, Any] = json.loads(path.read_text())
        return index
