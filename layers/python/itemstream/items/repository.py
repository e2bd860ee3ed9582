"""The port to wherever items are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Container

    from itemstream.items.model import Item

__all__ = ["AnyVersion", "ItemFilter", "ItemPage", "ItemRepository"]


class AnyVersion:
    """The versions named by ``If-Match: *``: all of them."""

    def __contains__(self, version: object) -> bool:
        """Return true: every version is one of them."""
        return True


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items a list shows; ``None`` means all."""

    category: str | None = None
    status: str | None = None

    def admits(self, document: dict[str, Any]) -> bool:
        """Whether an item's document passes."""
        return (self.category is None or document.get("category") == self.category) and (
            self.status is None or document.get("status") == self.status
        )


@dataclass(frozen=True, slots=True)
class ItemPage:
    """
    One page of a list, newest item first.

    Parameters
    ----------
    items
        At most as many as were asked for.
    next_before
        The id below which the next page starts; ``None`` at the end of the list.
    """

    items: list[Item]
    next_before: str | None


class ItemRepository(Protocol):
    """Where items are kept: DynamoDB, with or without a cache, or memory in tests."""

    def get(self, tenant: str, item_id: str) -> Item:
        """Return the item, or raise :class:`ItemNotFound`."""
        ...

    def add(self, item: Item) -> None:
        """Store a new item, or raise :class:`ItemExists`."""
        ...

    def replace(
        self,
        tenant: str,
        item_id: str,
        content: dict[str, Any],
        *,
        versions: Container[int],
        updated_at: str,
    ) -> Item:
        """
        Replace an item's content if it is at one of ``versions``.

        Returns the item at its next version. Raises :class:`ItemNotFound` or
        :class:`VersionMismatch`.
        """
        ...

    def add_image(
        self, tenant: str, item_id: str, image: dict[str, Any], *, most: int, updated_at: str
    ) -> Item:
        """
        Add an image to an item that has fewer than ``most``, at whatever version it is.

        Returns the item at its next version, or as it is if it has an image with this ``id``
        already. Raises :class:`ItemNotFound` or :class:`ImagesFull`.
        """
        ...

    def delete(self, tenant: str, item_id: str, *, versions: Container[int]) -> None:
        """
        Delete an item if it is at one of ``versions``; deleting one that is gone is no error.

        Raises :class:`VersionMismatch`.
        """
        ...

    def page(
        self, tenant: str, wanted: ItemFilter, *, limit: int, before: str | None = None
    ) -> ItemPage:
        """Return up to ``limit`` items with ids below ``before``, newest first."""
        ...
