"""Items: what they are, and the rules by which they change.

Errors
------
::

    ItemError
    ├── ItemNotFound        no such item in this tenant
    ├── VersionMismatch     the item is not at a version the caller named
    ├── ItemExists          an item with this id is there already
    └── ImagesFull          the item has as many images as an item may have
"""

from __future__ import annotations

from itemstream.items.model import (
    ImagesFull,
    Item,
    ItemError,
    ItemExists,
    ItemNotFound,
    VersionMismatch,
    new_item_id,
)

__all__ = [
    "ImagesFull",
    "Item",
    "ItemError",
    "ItemExists",
    "ItemNotFound",
    "VersionMismatch",
    "new_item_id",
]
