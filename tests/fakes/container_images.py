"""Images as an engine leaves them: an OCI layout of one, of next to nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tools.containers.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def keep(folder: Path, content: bytes) -> dict[str, Any]:
    """Put a blob into a layout, and return its descriptor."""
    digest = hashlib.sha256(content).hexdigest()
    blob = folder / "blobs" / "sha256" / digest
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def built(
    folder: Path, layer: bytes, kind: str = MANIFEST, configuration: dict[str, Any] | None = None
) -> Layout:
    """A layout of one image, as an engine writes it."""
    manifest = {
        "config": keep(
            folder, json.dumps({"config": configuration or {"User": "993:990"}}).encode()
        ),
        "layers": [keep(folder, layer)],
    }
    entry = {**keep(folder, json.dumps(manifest).encode()), "mediaType": kind}
    (folder / "index.json").write_text(json.dumps({"manifests": [entry]}))
    return Layout(folder)
