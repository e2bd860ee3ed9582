"""From an uploaded file to an image of its item, or to the reason why it is none."""

from __future__ import annotations

import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itemstream.images.model import (
    MAX_IMAGES,
    MAX_UPLOAD_BYTES,
    PictureRefused,
    Rendition,
    Upload,
    UploadGone,
    UploadKey,
    find_image,
    renditions_prefix,
)
from itemstream.images.renditions import render
from itemstream.items.model import ImagesFull, ItemNotFound, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.images.renditions import EncodedRendition, Picture
    from itemstream.images.repository import OriginalStore, RenditionStore, UploadRepository
    from itemstream.items.model import Item
    from itemstream.items.repository import ItemRepository

__all__ = ["Outcome", "Processed", "Processing"]

_FULL = f"The item has {MAX_IMAGES} images already."
_EXTENSIONS = {"image/webp": "webp", "image/jpeg": "jpg"}
# A rendition of 8 waits for S3 much longer than it takes to be made.
_PARALLEL_PUTS = 4


class Outcome(Enum):
    """What became of an upload; ``KNOWN`` if that was decided before."""

    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an upload, and why it failed."""

    key: UploadKey
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Processing:
    """
    Makes images of uploads.

    Whatever happens twice happens once: files are named by their content, the item takes an image
    once, and an upload keeps its first outcome.

    Parameters
    ----------
    items
        Through which an image is added to an item.
    table
        From which items are read: itself, and no cache of it, as what is gone there is removed.
    uploads, originals, renditions
        Where the rest is kept.
    clock
        Tells the time.
    """

    items: ItemRepository
    table: ItemRepository
    uploads: UploadRepository
    originals: OriginalStore
    renditions: RenditionStore
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def process(self, name: str, version_id: str | None, size: int) -> Processed:
        """
        Make an image of an uploaded file.

        Parameters
        ----------
        name, version_id
            The file's key, and which version of it.
        size
            Bytes.

        Raises
        ------
        DependencyUnavailable
            If it is to be tried again.
        """
        key = UploadKey.parse(name)
        if key is None:
            return self._fail_unasked(
                UploadKey.resembling(name), "The file's key is none that was given out."
            )
        try:
            item = self.table.get(key.tenant, key.item_id)
            return self._process(key, version_id, size, item)
        except ItemNotFound:
            # Deleted, before or meanwhile: whoever removes what an item leaves may have gone by.
            # An earlier try may have stored renditions and then ended.
            self._clear(key)
            self.originals.remove([name])
            return Processed(key, Outcome.REMOVED)

    def _process(self, key: UploadKey, version_id: str | None, size: int, item: Item) -> Processed:
        images = item.document["images"]
        upload = self.uploads.find(key)
        if upload is None:
            return self._fail_unasked(key, "Nobody had asked to upload this file.")
        image = find_image(images, key.image_id)
        if upload.status == "failed" or image is not None:
            # What an earlier try of this file may have stored is of no use any more.
            self._clear(key, image)
            return Processed(key, Outcome.KNOWN)
        file = version_id or ""
        try:
            if len(images) >= MAX_IMAGES:
                raise PictureRefused(_FULL)
            picture = self._picture(upload, version_id, size)
        except PictureRefused as refused:
            return self._refuse(upload, refused.reason, file)
        return self._keep(upload, picture, file)

    def _picture(self, upload: Upload, version_id: str | None, size: int) -> Picture:
        if size == 0:
            raise PictureRefused("The file is empty.")
        if size > MAX_UPLOAD_BYTES:
            raise PictureRefused(f"The file is larger than {MAX_UPLOAD_BYTES} bytes.")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "upload"
            try:
                self.originals.download(str(upload.key), version_id, file)
            except UploadGone:
                raise PictureRefused("The file was deleted before it was processed.") from None
            return render(file, upload.content_type)

    def _keep(self, upload: Upload, picture: Picture, file: str) -> Processed:
        """Store the renditions, decide for this file, and add it to the item; or undo it."""
        key = upload.key
        stored = self._store(key, picture)
        document = self._document(upload, picture, stored)
        # Of an addition whose outcome is not known nothing is undone: it may have been done.
        try:
            if not self.uploads.ready(upload, file):
                self._clear(key)
                return Processed(key, Outcome.KNOWN)
            item = self.items.add_image(
                key.tenant,
                key.item_id,
                document,
                most=MAX_IMAGES,
                updated_at=timestamp(self.clock()),
            )
        except ImagesFull:
            return self._refuse(upload, _FULL, file)
        image = find_image(item.document["images"], key.image_id)
        if image is None or image == document:
            return Processed(key, Outcome.READY)
        # Another file that was sent with the same form was faster.
        self._clear(key, image)
        return Processed(key, Outcome.KNOWN)

    def _refuse(self, upload: Upload, reason: str, file: str) -> Processed:
        """
        Note why an upload fails, unless another file of its form is becoming the image.

        An upload may be ready although this file is refused: an earlier try ended before the item
        had the image, and by now the item is full or the file is gone.
        """
        news = self.uploads.fail(upload, reason, file=file)
        if news:
            self._clear(upload.key)
        return self._failed(upload.key, reason, news)

    def _clear(self, key: UploadKey, image: dict[str, Any] | None = None) -> None:
        """Remove what is stored of an upload that is decided, but for what the image uses."""
        used = {rendition["key"] for rendition in image["renditions"]} if image else set()
        prefix = f"{renditions_prefix(key.tenant, key.item_id)}{key.image_id}/"
        self.renditions.remove_below(prefix, but=used)

    def _store(self, key: UploadKey, picture: Picture) -> list[Rendition]:
        renditions = [_rendition(key, encoded) for encoded in picture.renditions]
        with ThreadPoolExecutor(_PARALLEL_PUTS, thread_name_prefix="renditions") as pool:
            puts = [
                pool.submit(self.renditions.put, rendition.key, encoded.body, encoded.content_type)
                for rendition, encoded in zip(renditions, picture.renditions, strict=True)
            ]
        for put in puts:
            put.result()
        return renditions

    def _document(
        self, upload: Upload, picture: Picture, renditions: list[Rendition]
    ) -> dict[str, Any]:
        """Return the image as the item keeps it."""
        return {
            "id": upload.key.image_id,
            "width": picture.width,
            "height": picture.height,
            "dominant_color": picture.dominant_color,
            "placeholder": picture.placeholder,
            "animated": picture.animated,
            "content_type": upload.content_type,
            "created_at": upload.created_at,
            "renditions": [rendition.document() for rendition in renditions],
        }

    def _fail_unasked(self, key: UploadKey, reason: str) -> Processed:
        upload = Upload.unasked(key, now=self.clock())
        return self._failed(key, reason, self.uploads.fail(upload, reason, file=""))

    @staticmethod
    def _failed(key: UploadKey, reason: str, news: bool) -> Processed:
        return Processed(key, Outcome.FAILED, reason) if news else Processed(key, Outcome.KNOWN)


def _rendition(key: UploadKey, encoded: EncodedRendition) -> Rendition:
    # Half of a SHA-256 in hexadecimal is more than enough to tell an image's contents apart.
    content_hash = hashlib.sha256(encoded.body).hexdigest()[:32]
    prefix = renditions_prefix(key.tenant, key.item_id)
    extension = _EXTENSIONS[encoded.content_type]
    return Rendition(
        width=encoded.width,
        height=encoded.height,
        content_type=encoded.content_type,
        size=len(encoded.body),
        key=f"{prefix}{key.image_id}/{encoded.width}-{content_hash}.{extension}",
    )
