"""Rows as ``report_projector`` leaves them in MySQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itemstream.mysql.connection import Database

CONTENT = ("category", "status", "currency", "price_amount", "quantity")
USUAL = {
    "category": "furniture",
    "status": "active",
    "currency": "EUR",
    "price_amount": 100,
    "quantity": 2,
}


def moment(text: str) -> datetime:
    """Read a time as the columns hold it: UTC that does not say so."""
    return datetime.fromisoformat(text)


@dataclass
class Rows:
    """Writes the rows of items and calls, change by change."""

    database: Database
    tenant: str = "acme"
    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def created(self, item: str, at: str, **content: Any) -> None:
        self.items[item] = {**USUAL, **content, "version": 1, "created_at": moment(at)}
        self._changed(item, "item.created", at, self.items[item])

    def updated(self, item: str, at: str, **content: Any) -> None:
        row = self.items[item]
        row.update(content, version=row["version"] + 1)
        self._changed(item, "item.updated", at, row)

    def pictured(self, item: str, at: str, kind: str = "image.ready") -> None:
        row = self.items[item]
        row["version"] += 1
        self._change(item, kind, at, {"version": row["version"]})
        self._current(item, row)

    def deleted(self, item: str, at: str) -> None:
        row = self.items[item]
        row["deleted"] = True
        self._change(item, "item.deleted", at, {"version": row["version"]})
        self._current(item, {**row, **dict.fromkeys(CONTENT)})

    def only_current(self, item: str, created_at: str | None, **content: Any) -> None:
        """Write an item of which the log kept nothing."""
        created = moment(created_at) if created_at else None
        self._current(item, {**USUAL, **content, "version": 9, "created_at": created})

    def calls(self, hour: str, outcome: str, latency: str, bucket: int, calls: int) -> None:
        self._insert(
            "call_hours",
            (self.tenant, moment(hour), outcome, latency, bucket, calls, calls, calls, 2 * calls),
        )

    def _changed(self, item: str, kind: str, at: str, row: dict[str, Any]) -> None:
        self._change(item, kind, at, row)
        self._current(item, row)

    def _change(self, item: str, kind: str, at: str, row: dict[str, Any]) -> None:
        content = (row.get(name) for name in CONTENT)
        event_id = f"{item}:{row['version']}:{kind}"
        values = (self.tenant, event_id, item, kind, row["version"], moment(at), *content)
        self._insert("item_changes", values)

    def _current(self, item: str, row: dict[str, Any]) -> None:
        deleted = bool(row.get("deleted"))
        position = 2 * row["version"] + deleted
        with self.database.transaction() as cursor:
            cursor.execute(
                "DELETE FROM items_current WHERE tenant = %s AND item_id = %s", (self.tenant, item)
            )
        self._insert(
            "items_current",
            (
                *(self.tenant, item, position, position, deleted, row["version"]),
                *(row.get(name) for name in CONTENT),
                *(0, row["created_at"], row["created_at"]),
            ),
        )

    def _insert(self, table: str, values: tuple[Any, ...]) -> None:
        places = ", ".join(["%s"] * len(values))
        with self.database.transaction() as cursor:
            cursor.execute(f"INSERT INTO {table} VALUES ({places})", values)  # noqa: S608
