"""What events, items and calls say, read into the rows that reports are made of.

Everything is checked here against what the database holds, so that it refuses nothing later on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from itemstream.reports.projection import CountedCall, ItemChange, ItemContent, ItemState

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NotProjectable",
    "change_of",
    "counted_call",
    "is_projected",
    "state_of_item",
]

PROJECTED = ("item.created", "item.updated", "item.deleted", "image.ready", "image.failed")
# Of uploads to a place that is no tenant's: nobody gets a report of them.
NOBODY = "_unknown"

# A tenant as tokens have it; see itemstream.auth.tokens.
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CURRENCY = re.compile(r"[A-Z]{3}")
# The largest number that JSON carries unharmed. A BIGINT holds one and, as a position, twice one;
# sums are DECIMAL.
_MOST = 2**53
# The first that a DATETIME holds.
_FIRST_YEAR = 1000


class NotProjectable(ValueError):  # noqa: N818
    """An event or a call of which no row can be made, however often it is tried; says why."""


def is_projected(event: Mapping[str, Any]) -> bool:
    """Return whether reports tell of such an event at all."""
    return event.get("type") in PROJECTED and event.get("tenant") != NOBODY


def change_of(event: Mapping[str, Any]) -> ItemChange:
    """
    Read an event that reports tell of.

    Raises
    ------
    NotProjectable
        If it is none, or not as its schema says.
    """
    try:
        kind, data = str(event["type"]), event["data"]
        change = _Change(
            _tenant(event["tenant"]), _name(event["id"], 128), kind, _moment(event["time"])
        )
        match kind:
            case "item.created" | "item.updated":
                return change.of(
                    data["id"], data["version"], content=_content(data), images=len(data["images"])
                )
            case "item.deleted":
                return change.of(data["id"], data["version"])
            case "image.ready":
                # Events from before there was `item_images` say nothing of the item's state.
                images = data.get("item_images")
                return change.of(
                    data["item_id"],
                    data["item_version"],
                    images=None if images is None else _whole(images),
                )
            case "image.failed":
                return change.of(data["item_id"], None)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotProjectable(
            f"the event is not as its schema says: {type(error).__name__} {error}"
        ) from error
    raise NotProjectable(f"reports know nothing of events {kind}")


def state_of_item(tenant: str, item: Mapping[str, Any]) -> ItemState:
    """
    Return the state of an item as the API shows it.

    Raises
    ------
    NotProjectable
        If it is none.
    """
    try:
        version = _whole(item["version"])
        return ItemState(
            _tenant(tenant),
            _name(item["id"], 64),
            2 * version,
            2 * version,
            version,
            False,
            _content(item),
            len(item["images"]),
            _moment(item["updated_at"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotProjectable(f"not an item: {type(error).__name__} {error}") from error


def counted_call(row: Mapping[str, Any]) -> CountedCall:
    """
    Read a row of silver.

    Raises
    ------
    NotProjectable
        If it is none.
    """
    try:
        return CountedCall(
            _tenant(row["tenant"]),
            _name(row["call_id"], 128),
            _moment(row["occurred_at"]).replace(minute=0, second=0, microsecond=0),
            _name(row["outcome"], 32),
            _name(row["latency_class"], 32),
            _whole(row["duration_ms"]),
            _whole(row.get("bytes_in") or 0),
            _whole(row.get("bytes_out") or 0),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotProjectable(
            f"the row is not one of silver: {type(error).__name__} {error}"
        ) from error


@dataclass(frozen=True, slots=True)
class _Change:
    tenant: str
    event_id: str
    kind: str
    occurred_at: datetime

    def of(
        self,
        item_id: Any,
        version: Any,
        *,
        content: ItemContent | None = None,
        images: int | None = None,
    ) -> ItemChange:
        return ItemChange(
            self.tenant,
            self.event_id,
            self.kind,
            _name(item_id, 64),
            # A picture that failed changes no item.
            None if self.kind == "image.failed" else _whole(version),
            self.occurred_at,
            content,
            images,
        )


def _content(item: Mapping[str, Any]) -> ItemContent:
    category, price = item["category"], item["price"]
    return ItemContent(
        None if category is None else _name(category, 255),
        _name(item["status"], 32),
        None if price is None else _currency(price["currency"]),
        None if price is None else _whole(price["amount"]),
        _whole(item["quantity"]),
        _moment(item["created_at"]),
    )


def _tenant(value: Any) -> str:
    if not _TENANT.fullmatch(value):
        raise ValueError("a tenant that no token can name")
    return str(value)


def _name(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError(f"no text of 1 to {longest} characters")
    # A lone surrogate is none of Unicode's characters, and no database takes it.
    value.encode()
    return value


def _currency(value: Any) -> str:
    if not _CURRENCY.fullmatch(value):
        raise ValueError("no currency")
    return str(value)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise ValueError(f"no whole number from 0 to {_MOST}")
    return value


def _moment(value: Any) -> datetime:
    """Read a moment with a time zone, to the millisecond."""
    moment = datetime.fromisoformat(value).astimezone(UTC)
    if datetime.fromisoformat(value).tzinfo is None or moment.year < _FIRST_YEAR:
        raise ValueError("no moment with a time zone, after the year 1000")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
