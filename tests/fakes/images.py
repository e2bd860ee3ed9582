"""Uploads, originals and renditions in memory: the ports without AWS."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from itemstream.images import UploadGone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from itemstream.images.model import Upload, UploadKey

__all__ = ["InMemoryOriginals", "InMemoryRenditions", "InMemoryUploads"]


class InMemoryUploads:
    """Uploads that live as long as the object."""

    def __init__(self) -> None:
        self.known: dict[UploadKey, Upload] = {}
        self.files: dict[UploadKey, str] = {}
        self._lock = Lock()

    def find(self, key: UploadKey) -> Upload | None:
        return self.known.get(key)

    def ready(self, upload: Upload, file: str) -> bool:
        with self._lock:
            known = self.known.get(upload.key)
            if known is None or known.status == "failed":
                return False
            self.known[upload.key] = replace(known, status="ready")
            self.files[upload.key] = file
            return True

    def fail(self, upload: Upload, reason: str, *, file: str) -> bool:
        with self._lock:
            known = self.known.get(upload.key)
            # Who had not asked has no row yet; who had, has one.
            if (known is None) != (upload.content_type is None):
                return False
            if known and known.status != "pending":
                by_this_file = known.status == "ready" and self.files[upload.key] == file
                if not by_this_file:
                    return False
            self.known[upload.key] = replace(known or upload, status="failed", reason=reason)
            return True


class InMemoryOriginals:
    """Uploaded files by key and version."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str | None], bytes] = {}
        self.removed: list[str] = []

    def download(self, key: str, version_id: str | None, file: Path) -> None:
        if (key, version_id) not in self.files:
            raise UploadGone(key)
        file.write_bytes(self.files[key, version_id])

    def remove(self, keys: Iterable[str]) -> None:
        self.removed += keys


class InMemoryRenditions:
    """Renditions by key."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.files[key] = (body, content_type)

    def remove_below(self, prefix: str, *, but: Collection[str] = ()) -> None:
        for key in [key for key in self.files if key.startswith(prefix) and key not in but]:
            del self.files[key]
