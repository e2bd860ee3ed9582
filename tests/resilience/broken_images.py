"""Images with one file changed: a thin layer over an image that is here already."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from tools.containers.store import IMAGES

if TYPE_CHECKING:
    from pathlib import PurePosixPath

_LAYER = "application/vnd.oci.image.layer.v1.tar"


def with_file(digest: str, path: PurePosixPath, content: str) -> str:
    """
    Lay a Python file over an image, and take away its byte code; return the new image's digest.

    Parameters
    ----------
    digest
        Of the image below.
    path
        The file's, from the image's root.
    """
    layer = _layer(path, content)
    manifest = json.loads(IMAGES.blob(digest).read_text())
    configuration = json.loads(IMAGES.blob(manifest["config"]["digest"]).read_text())
    # A layer that is not compressed has one digest for both.
    added = _keep(layer)
    configuration["rootfs"]["diff_ids"].append(added)
    described = json.dumps(configuration).encode()
    manifest["layers"].append({"mediaType": _LAYER, "digest": added, "size": len(layer)})
    manifest["config"] |= {"digest": _keep(described), "size": len(described)}
    return _keep(json.dumps(manifest).encode())


def _layer(path: PurePosixPath, content: str) -> bytes:
    # Byte code is unchecked: it would be run in the file's place.
    byte_code = path.parent / "__pycache__" / f".wh.{path.stem}.cpython-313.pyc"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in ((path, content), (byte_code, "")):
            member = tarfile.TarInfo(name.as_posix())
            member.size, member.mode = len(text.encode()), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive.getvalue()


def _keep(content: bytes) -> str:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if not IMAGES.holds(digest):
        IMAGES.blob(digest).write_bytes(content)
    return digest
