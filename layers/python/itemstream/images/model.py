"""What an image is, from the permission to upload it to its renditions, and what keys name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from itemstream.items.model import new_item_id, timestamp

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "MAX_IMAGES",
    "MAX_UPLOAD_BYTES",
    "ContentType",
    "ImageError",
    "ImageNotFound",
    "PictureRefused",
    "Rendition",
    "Status",
    "Upload",
    "UploadGone",
    "UploadKey",
    "find_image",
    "renditions_prefix",
]

# An item's images are part of its row, and DynamoDB takes 400 KB a row.
MAX_IMAGES = 20
MAX_UPLOAD_BYTES = 20 * 1024 * 1024

ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/gif"]
Status = Literal["pending", "ready", "failed"]

# As in itemstream.auth.tokens: nothing in a tenant's name separates.
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_UNKNOWN_ITEM = "unknown"
# No token can name it, so no caller ever sees what is kept there.
_UNKNOWN_TENANT = "_unknown"


class ImageError(Exception):
    """Anything that is wrong about an image."""


class ImageNotFound(ImageError):  # noqa: N818
    """The item has no such image."""


class PictureRefused(ImageError):  # noqa: N818
    """
    A file that can never become an image.

    Parameters
    ----------
    reason
        Why, in a sentence for whoever uploaded it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UploadGone(ImageError):  # noqa: N818
    """The uploaded file is no longer there."""


@dataclass(frozen=True, slots=True)
class UploadKey:
    """Where an upload lies: ``uploads/<tenant>/<item id>/<image id>``."""

    tenant: str
    item_id: str
    image_id: str

    def __str__(self) -> str:
        """Return the key."""
        return f"{self.prefix(self.tenant, self.item_id)}{self.image_id}"

    @staticmethod
    def prefix(tenant: str, item_id: str) -> str:
        """Return what the keys of all uploads of an item begin with."""
        return f"uploads/{tenant}/{item_id}/"

    @classmethod
    def parse(cls, key: str) -> UploadKey | None:
        """Read a key; ``None`` if it is not one that we give out."""
        parts = key.split("/")
        if len(parts) != 4 or parts[0] != "uploads":
            return None
        _, tenant, item_id, image_id = parts
        if _is_tenant(tenant) and _is_id(item_id) and _is_id(image_id):
            return cls(tenant, item_id, image_id)
        return None

    @classmethod
    def resembling(cls, key: str) -> UploadKey:
        """
        Return what can be told of a key that is not ours.

        A tenant that cannot be told is ``_unknown``, an item ``unknown``: neither can be the name
        of one. The image's id is the same for the same key.
        """
        parts = [*key.split("/"), "", ""]
        return cls(
            parts[1] if _is_tenant(parts[1]) else _UNKNOWN_TENANT,
            parts[2] if _is_id(parts[2]) else _UNKNOWN_ITEM,
            str(uuid5(NAMESPACE_URL, key)),
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """
    An upload that was asked for, and what became of it.

    Parameters
    ----------
    key
        Where it goes.
    status
        ``pending`` until it was processed, then ``failed``, or ``ready``: it is an image of its
        item, or will be in a moment.
    content_type
        What the client said it would upload; ``None`` if nobody asked.
    created_at, created_by
        When it was asked for (ISO 8601), and by which subject.
    reason
        Why it failed.
    """

    key: UploadKey
    status: Status
    content_type: ContentType | None
    created_at: str
    created_by: str | None
    reason: str | None = None

    @classmethod
    def begin(
        cls, tenant: str, item_id: str, content_type: ContentType, *, created_by: str, now: datetime
    ) -> Upload:
        """Make a new upload, with an id of its own."""
        key = UploadKey(tenant, item_id, new_item_id())
        return cls(key, "pending", content_type, timestamp(now), created_by)

    @classmethod
    def unasked(cls, key: UploadKey, *, now: datetime) -> Upload:
        """Make the upload of a file that nobody had asked to upload."""
        return cls(key, "pending", None, timestamp(now), None)


@dataclass(frozen=True, slots=True)
class Rendition:
    """
    An image in one size and format.

    Parameters
    ----------
    width, height
        Pixels.
    content_type
        ``image/webp`` or ``image/jpeg``.
    size
        Bytes.
    key
        ``images/<tenant>/<item id>/<image id>/<width>-<content hash>.<webp|jpg>``.
    """

    width: int
    height: int
    content_type: str
    size: int
    key: str

    def document(self) -> dict[str, Any]:
        """Return the rendition as JSON values, as the item keeps it."""
        return {
            "width": self.width,
            "height": self.height,
            "content_type": self.content_type,
            "bytes": self.size,
            "key": self.key,
        }


def renditions_prefix(tenant: str, item_id: str) -> str:
    """Return what the keys of all renditions of an item begin with."""
    return f"images/{tenant}/{item_id}/"


def find_image(images: list[dict[str, Any]], image_id: str) -> dict[str, Any] | None:
    """Return an item's image by its id, or ``None`` if it has no such image ready."""
    return next((image for image in images if image["id"] == image_id), None)


def _is_tenant(text: str) -> bool:
    return _TENANT.fullmatch(text) is not None


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
