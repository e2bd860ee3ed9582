"""Items from their creation to their end: the events they cause, and the rows that reports want."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from itemstream.dynamodb.streams import read_stream_record
from itemstream.events import events_of
from itemstream.items.model import timestamp
from tests.fakes.events import IMAGE, item_record, upload_record, upload_row

Step = Literal["replace", "image", "replace and image", "failed image"]

BEGAN = datetime(2026, 11, 16, 6, tzinfo=UTC)
PRICES = [None, {"amount": 1250, "currency": "EUR"}, {"amount": 0, "currency": "JPY"}]
CATEGORIES = ["furniture", None, "größe & <script>", "toys"]
STATUSES = ["draft", "active", "archived"]


class ItemHistory:
    """
    One item, step by step.

    Parameters
    ----------
    tenant, number
        Whose it is; each number is an item of its own.
    """

    def __init__(self, tenant: str, number: int) -> None:
        self.tenant = tenant
        self.id = str(UUID(int=0x01A1FC6A_0000_7000_8000_000000000000 + number))
        self.events: list[dict[str, Any]] = []
        self._made = 0
        self._now = BEGAN + timedelta(minutes=number)
        self.item: dict[str, Any] = {
            "pk": f"{tenant}#{number % 4}",
            "sk": self.id,
            "name": "A thing",
            "description": "",
            **self._content(),
            "tags": [],
            "attributes": {},
            "images": [],
            "version": 1,
            "created_at": timestamp(self._now),
            "updated_at": timestamp(self._now),
            "created_by": "alice",
        }
        self.deleted_at: str | None = None
        self._tell(item_record(self.item))

    def _content(self) -> dict[str, Any]:
        self._made += 1
        number = self._made + int(self.id[-1], 16)
        return {
            "category": CATEGORIES[number % 4],
            "status": STATUSES[number % 3],
            "price": PRICES[number % 3],
            "quantity": number,
        }

    def step(self, step: Step) -> None:
        """Change the item; a picture that fails leaves it as it is."""
        self._now += timedelta(seconds=7, milliseconds=3)
        image_id = str(UUID(int=UUID(self.id).int + (len(self.events) << 80)))
        if step == "failed image":
            row = upload_row(
                pk=f"{self.tenant}#{self.id}",
                sk=image_id,
                tenant=self.tenant,
                item_id=self.id,
                image_id=image_id,
            )
            self._tell(upload_record(row, created_at=self._now.timestamp()))
            return
        changed = dict(self.item)
        if "replace" in step:
            changed |= self._content()
        if "image" in step:
            changed["images"] = [*changed["images"], {**IMAGE, "id": image_id}]
        changed |= {"version": changed["version"] + 1, "updated_at": timestamp(self._now)}
        self._tell(item_record(changed, self.item))
        self.item = changed

    def delete(self) -> None:
        """End the item."""
        self._now = (self._now + timedelta(seconds=9)).replace(microsecond=0)
        self.deleted_at = timestamp(self._now)
        self._tell(item_record(None, self.item, created_at=self._now.timestamp()))

    def current_row(self) -> tuple[Any, ...]:
        """Return its row of ``items_current``, as MySQL shows it."""
        item = self.item
        if self.deleted_at:
            ended = stored(self.deleted_at)
            return (self.tenant, self.id, 1, item["version"], *(None,) * 5, 0, None, ended)
        price = item["price"] or {"currency": None, "amount": None}
        return (
            *(self.tenant, self.id, 0, item["version"]),
            *(item["category"], item["status"], price["currency"], price["amount"]),
            *(item["quantity"], len(item["images"])),
            *(stored(item["created_at"]), stored(item["updated_at"])),
        )

    def change_rows(self) -> list[tuple[Any, ...]]:
        """Return its rows of ``item_changes``, as MySQL shows them."""
        return [self._change_row(event) for event in self.events]

    def _change_row(self, event: dict[str, Any]) -> tuple[Any, ...]:
        data = event["data"]
        version = data.get("version", data.get("item_version"))
        price = data.get("price") or {"currency": None, "amount": None}
        content = (
            (data["category"], data["status"], price["currency"], price["amount"], data["quantity"])
            if "quantity" in data
            else (None,) * 5
        )
        when = stored(event["time"])
        return (self.tenant, event["id"], self.id, event["type"], version, when, *content)

    def _tell(self, record: dict[str, Any]) -> None:
        place = len(self.events) + 1
        events = events_of(read_stream_record(record))
        self.events += [event.document(place + n) for n, event in enumerate(events)]


CURRENT = (
    "SELECT tenant, item_id, deleted, version, category, status, currency, price_amount, quantity,"
    " images, created_at, updated_at FROM items_current ORDER BY tenant, item_id"
)
CHANGES = (
    "SELECT tenant, event_id, item_id, kind, version, occurred_at, category, status, currency,"
    " price_amount, quantity FROM item_changes ORDER BY tenant, event_id"
)
HOURS = (
    "SELECT tenant, hour, outcome, latency_class, duration_bucket, calls, duration_ms, bytes_in,"
    " bytes_out FROM call_hours"
    " ORDER BY tenant, hour, outcome, latency_class, duration_bucket"
)


def stored(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=None)
