"""Changes as CSV (RFC 4180), a line for each, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

__all__ = ["Change", "csv_chunks"]

CHUNK_LINES = 500
# Spreadsheets take for a formula what begins so, in either width (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


class Change(NamedTuple):
    """
    One change of an item or an image.

    Parameters
    ----------
    occurred_at
        When, in UTC.
    kind
        What happened, such as ``item.updated``.
    item_id, version
        To which item, and the version it had then.
    category, status, currency, price_amount, quantity
        The item as it was then, where the change tells it; the price in minor units.
    event_id
        The event that told of it.
    """

    occurred_at: datetime
    kind: str
    item_id: str
    version: int | None
    category: str | None
    status: str | None
    currency: str | None
    price_amount: int | None
    quantity: int | None
    event_id: str


def csv_chunks(changes: Iterable[Change]) -> Iterator[bytes]:
    """Yield the head and a line for each change, some hundred lines at a time."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(Change._fields)
    waiting = 0
    for change in changes:
        writer.writerow(_cells(change))
        waiting += 1
        if waiting == CHUNK_LINES:
            yield _taken(text)
            waiting = 0
    yield _taken(text)


def _cells(change: Change) -> list[str | int | None]:
    moment, *rest = change
    written = moment.isoformat(timespec="milliseconds").replace("+00:00", "") + "Z"
    return [written, *(_harmless(cell) if isinstance(cell, str) else cell for cell in rest)]


def _harmless(text: str) -> str:
    # The apostrophe makes it text to a spreadsheet.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _taken(text: io.StringIO) -> bytes:
    content = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return content
