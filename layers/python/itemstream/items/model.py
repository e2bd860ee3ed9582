"""The item: its content, which clients write, and what the platform adds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "ImagesFull",
    "Item",
    "ItemError",
    "ItemExists",
    "ItemNotFound",
    "VersionMismatch",
    "new_item_id",
    "timestamp",
]


class ItemError(Exception):
    """Anything that is wrong about an item."""


class ItemNotFound(ItemError):  # noqa: N818
    """No such item in this tenant."""


class ItemExists(ItemError):  # noqa: N818
    """An item with this id is there already."""


class VersionMismatch(ItemError):  # noqa: N818
    """
    The item is not at a version that the caller named.

    Parameters
    ----------
    version
        The version the item has.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"the item is at version {version}")
        self.version = version


class ImagesFull(ItemError):  # noqa: N818
    """The item has as many images as an item may have."""


@dataclass(frozen=True, slots=True)
class Item:
    """
    An item as it stands at one version.

    Parameters
    ----------
    tenant
        Whose it is; never shown to clients.
    document
        The item as clients see it: JSON values only, the content of
        :class:`itemstream.items.content.ItemContent` with ``id`` (UUIDv7), ``version`` (1 at
        creation, one more at each change), ``images``, ``created_at``, ``updated_at`` (UTC,
        ISO 8601) and ``created_by``.
    """

    tenant: str
    document: dict[str, Any]

    @classmethod
    def create(
        cls, tenant: str, content: dict[str, Any], *, created_by: str, now: datetime
    ) -> Item:
        """Make a new item, version 1, of validated content."""
        created_at = timestamp(now)
        return cls(
            tenant,
            {
                "id": new_item_id(),
                **content,
                "images": [],
                "version": 1,
                "created_at": created_at,
                "updated_at": created_at,
                "created_by": created_by,
            },
        )

    @property
    def id(self) -> str:
        """The item's UUIDv7, which sorts by time of creation."""
        return str(self.document["id"])

    @property
    def version(self) -> int:
        """How often the item was written."""
        return int(self.document["version"])


def new_item_id() -> str:
    """Return a UUIDv7 (RFC 9562): time-ordered, lower case, with hyphens."""
    # Only who creates needs it: the other functions start without.
    from uuid_utils import uuid7

    return str(uuid7())


def timestamp(moment: datetime) -> str:
    """
    Write a moment as UTC in ISO 8601 with milliseconds, for example ``2026-11-21T06:00:00.000Z``.

    Raises
    ------
    ValueError
        If the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
