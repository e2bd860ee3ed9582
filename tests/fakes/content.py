"""Item content for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from itemstream.items import Item

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def content(**changes: Any) -> dict[str, Any]:
    """Return valid content, complete as the model writes it."""
    return {
        "name": "Oak table",
        "description": "",
        "category": "furniture",
        "status": "active",
        "price": {"amount": 49900, "currency": "EUR"},
        "quantity": 3,
        "tags": ["oak"],
        "attributes": {"width": "180 cm"},
        **changes,
    }


def new_item(tenant: str = "acme", **changes: Any) -> Item:
    """Make a new item of a tenant."""
    return Item.create(tenant, content(**changes), created_by="alice", now=NOW)
