"""What happened in one week, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = [
    "KINDS",
    "LATENCY_CLASSES",
    "OUTCOMES",
    "CallFigures",
    "CategoryFigures",
    "StockFigures",
    "WeekFigures",
]

# Kinds of changes: types of the events that tell of them.
KINDS = ("item.created", "item.updated", "item.deleted", "image.ready", "image.failed")
# As itemstream.calls.enrichment has them.
OUTCOMES = ("success", "redirection", "client_error", "server_error", "informational")
LATENCY_CLASSES = ("instant", "fast", "noticeable", "slow", "stuck")


@dataclass(frozen=True, slots=True)
class StockFigures:
    """
    What the items of one currency amount to.

    Parameters
    ----------
    items, quantity
        How many items there are, and how many pieces of them.
    value
        Price times quantity, in the currency's minor unit.
    """

    items: int
    quantity: int
    value: int


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """
    What happened to the items of one category.

    Parameters
    ----------
    name
        The category; ``None`` for items without one.
    now, before
        Items created and updated in the week, and in the week before.
    """

    name: str | None
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class CallFigures:
    """
    Calls of one outcome and latency class.

    Parameters
    ----------
    calls
        How many.
    durations
        Bucket → calls; see :mod:`itemstream.reports.percentiles`.
    bytes_in, bytes_out
        What they carried, where it is known.
    """

    calls: int
    durations: Mapping[int, int]
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class WeekFigures:
    """
    A week of a tenant.

    Parameters
    ----------
    changes
        (Day, kind) → how many; what is not there is none.
    stock
        Currency → what there was when the week ended; ``None`` for items without a price.
    calls
        (Outcome, latency class) → calls.
    calls_by_day
        (Day, outcome) → calls.
    """

    changes: Mapping[tuple[date, str], int]
    stock: Mapping[str | None, StockFigures]
    calls: Mapping[tuple[str, str], CallFigures]
    calls_by_day: Mapping[tuple[date, str], int]
