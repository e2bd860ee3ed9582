"""Objects of a bucket that nobody needs: renditions of no image, and uploads that came to nothing.

What is removed is the version that was looked at. Whoever stores an object again, under the same
key and with the same content, stores a new version, and that stays.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from itemstream.cleanup.tasks import PagedTask, Removal, Step
from itemstream.images.model import UploadKey
from itemstream.items.model import ItemNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.images.repository import UploadRepository
    from itemstream.items.repository import ItemRepository

__all__ = ["AbandonedUploads", "ObjectPage", "ObjectVersion", "ObjectVersions", "OrphanRenditions"]

DAY_SECONDS = 24 * 3600
# A processor that has stored a rendition adds it to its item within a minute, or never.
ORPHAN_SECONDS = DAY_SECONDS
# As long as a dead letter may ask for the file again, and a day: as the bucket's own rule.
ABANDONED_SECONDS = 15 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """The current version of an object, and when it was stored (seconds since 1970)."""

    key: str
    version_id: str
    stored_at: float


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Current versions in the order of their keys, and where to go on; ``None`` at the end."""

    versions: list[ObjectVersion]
    position: str | None


class ObjectVersions(Protocol):
    """The objects of a bucket."""

    def page(self, prefix: str, position: str | None) -> ObjectPage:
        """Return the current versions of some objects whose keys begin with a prefix."""

    def remove(self, versions: list[ObjectVersion]) -> Removal:
        """Remove these versions, and no others."""


class _UnneededObjects(PagedTask):
    """
    Removes old objects that nobody needs.

    Parameters
    ----------
    objects
        The bucket.
    prefix
        What the keys that are looked at begin with.
    clock
        Seconds since 1970.
    """

    age: float

    def __init__(
        self, objects: ObjectVersions, prefix: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._objects = objects
        self._prefix = prefix
        self._clock = clock

    def step(self, position: str | None, *, dry_run: bool) -> Step:
        """Look at a page; only then, so at the time or later, ask who needs what is on it."""
        page = self._objects.page(self._prefix, position)
        before = self._clock() - self.age
        old = [version for version in page.versions if version.stored_at < before]
        unneeded = self.unneeded(old)
        if dry_run:
            return Step(Removal(removed=len(unneeded)), page.position)
        return Step(self._objects.remove(unneeded) if unneeded else Removal(), page.position)

    @abstractmethod
    def unneeded(self, versions: list[ObjectVersion]) -> list[ObjectVersion]:
        """Return those that nobody needs."""


class OrphanRenditions(_UnneededObjects):
    """
    Removes renditions that their item does not have: it was deleted, or never got them.

    Parameters
    ----------
    objects, clock
        As for every task of objects.
    items
        The items themselves, not a cache of them.
    prefix
        What the keys begin with.
    """

    name = "renditions"
    age = ORPHAN_SECONDS

    def __init__(
        self,
        objects: ObjectVersions,
        items: ItemRepository,
        *,
        prefix: str = "images/",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(objects, prefix, clock=clock)
        self._items = items

    def unneeded(self, versions: list[ObjectVersion]) -> list[ObjectVersion]:
        """Ask each item once; a key that is none of a rendition is not ours to remove."""
        found: list[ObjectVersion] = []
        for owner, of_item in groupby(versions, lambda version: _item_of(version.key)):
            if owner is not None:
                needed = self._keys(*owner)
                found += [version for version in of_item if version.key not in needed]
        return found

    def _keys(self, tenant: str, item_id: str) -> set[str]:
        try:
            item = self._items.get(tenant, item_id)
        except ItemNotFound:
            return set()
        return {
            rendition["key"]
            for image in item.document["images"]
            for rendition in image["renditions"]
        }


class AbandonedUploads(_UnneededObjects):
    """
    Removes uploaded files whose time is over.

    Parameters
    ----------
    objects, clock
        As for every task of objects.
    uploads
        What is known of uploads.
    prefix
        What the keys begin with.
    """

    name = "uploads"
    age = ABANDONED_SECONDS

    def __init__(
        self,
        objects: ObjectVersions,
        uploads: UploadRepository,
        *,
        prefix: str = "uploads/",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(objects, prefix, clock=clock)
        self._uploads = uploads

    def unneeded(self, versions: list[ObjectVersion]) -> list[ObjectVersion]:
        """Leave a file alone whose upload may still become an image."""
        return [version for version in versions if not self._awaited(version.key)]

    def _awaited(self, key: str) -> bool:
        upload_key = UploadKey.parse(key)
        upload = None if upload_key is None else self._uploads.find(upload_key)
        if upload is None or upload.status == "failed":
            return False
        asked_at = datetime.fromisoformat(upload.created_at).astimezone(UTC).timestamp()
        return asked_at >= self._clock() - ABANDONED_SECONDS


def _item_of(key: str) -> tuple[str, str] | None:
    """Return tenant and item of a rendition's key, ``images/<tenant>/<item>/<image>/<name>``."""
    parts = key.split("/")
    return (parts[1], parts[2]) if len(parts) == 5 and parts[0] == "images" else None
