"""Items in memory: the repository port without DynamoDB."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from itemstream.items import ImagesFull, Item, ItemExists, ItemNotFound, VersionMismatch
from itemstream.items.repository import ItemFilter, ItemPage

if TYPE_CHECKING:
    from collections.abc import Container


class InMemoryItems:
    """An item repository that lives as long as the object."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], Item] = {}
        self._lock = Lock()

    def get(self, tenant: str, item_id: str) -> Item:
        if (tenant, item_id) not in self._items:
            raise ItemNotFound(item_id)
        return self._items[tenant, item_id]

    def add(self, item: Item) -> None:
        with self._lock:
            if (item.tenant, item.id) in self._items:
                raise ItemExists(item.id)
            self._items[item.tenant, item.id] = item

    def replace(
        self,
        tenant: str,
        item_id: str,
        content: dict[str, Any],
        *,
        versions: Container[int],
        updated_at: str,
    ) -> Item:
        with self._lock:
            old = self.get(tenant, item_id)
            if old.version not in versions:
                raise VersionMismatch(old.version)
            changes = {**content, "version": old.version + 1, "updated_at": updated_at}
            self._items[tenant, item_id] = Item(tenant, {**old.document, **changes})
            return self._items[tenant, item_id]

    def add_image(
        self, tenant: str, item_id: str, image: dict[str, Any], *, most: int, updated_at: str
    ) -> Item:
        with self._lock:
            old = self.get(tenant, item_id)
            images = old.document["images"]
            if any(known["id"] == image["id"] for known in images):
                return old
            if len(images) >= most:
                raise ImagesFull(item_id)
            changes = {
                "images": [*images, image],
                "version": old.version + 1,
                "updated_at": updated_at,
            }
            self._items[tenant, item_id] = Item(tenant, {**old.document, **changes})
            return self._items[tenant, item_id]

    def delete(self, tenant: str, item_id: str, *, versions: Container[int]) -> None:
        with self._lock:
            item = self._items.get((tenant, item_id))
            if item is None:
                return
            if item.version not in versions:
                raise VersionMismatch(item.version)
            del self._items[tenant, item_id]

    def page(
        self, tenant: str, wanted: ItemFilter, *, limit: int, before: str | None = None
    ) -> ItemPage:
        ids = sorted(
            (
                item.id
                for item in self._items.values()
                if item.tenant == tenant
                and wanted.admits(item.document)
                and (before is None or item.id < before)
            ),
            reverse=True,
        )
        items = [self._items[tenant, item_id] for item_id in ids[:limit]]
        return ItemPage(items, items[-1].id if len(ids) > limit else None)
