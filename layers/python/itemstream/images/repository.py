"""The ports to where uploads are known, and to where files lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from itemstream.images.model import Upload, UploadKey

__all__ = ["OriginalStore", "RenditionStore", "UploadRepository"]


class UploadRepository(Protocol):
    """Where uploads are known, from when they are permitted: DynamoDB."""

    def find(self, key: UploadKey) -> Upload | None:
        """Return an upload, or ``None`` if there is none, or no longer."""
        ...

    def ready(self, upload: Upload, file: str) -> bool:
        """
        Note that an upload becomes an image, before it is one, and by which of its files.

        Returns false if it has failed, or is not known any more: then it must not become one.
        """
        ...

    def fail(self, upload: Upload, reason: str, *, file: str) -> bool:
        """
        Note why an upload failed by one of its files; return whether it did.

        It does not if it has failed already, or if another file made it ready: that one may be
        about to become the image.
        """
        ...


class OriginalStore(Protocol):
    """Where uploaded files lie: S3."""

    def download(self, key: str, version_id: str | None, file: Path) -> None:
        """Fetch an upload into a file, or raise :class:`UploadGone`."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Delete files; those that are gone already stay gone."""
        ...


class RenditionStore(Protocol):
    """Where renditions lie: S3."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store a rendition, to be cached for ever: its key names its content."""
        ...

    def remove_below(self, prefix: str, *, but: Collection[str] = ()) -> None:
        """Delete renditions whose keys begin with a prefix, but for some."""
        ...
