"""What a report says: a week's figures, each beside that of the week before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from itemstream.items.model import timestamp
from itemstream.reports.comparison import Compared
from itemstream.reports.figures import KINDS, LATENCY_CLASSES, OUTCOMES, StockFigures
from itemstream.reports.percentiles import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from itemstream.reports.figures import CategoryFigures, WeekFigures
    from itemstream.reports.model import ReportRequest

__all__ = [
    "CallsOfOutcome",
    "Category",
    "DayCounts",
    "Durations",
    "Stock",
    "Summary",
    "summarise",
]

_NO_STOCK = StockFigures(0, 0, 0)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """
    A day's counts.

    Parameters
    ----------
    day
        Which one.
    total
        All of them, beside those of the same day a week before.
    counts
        Kind or outcome → how many.
    """

    day: date
    total: Compared
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Category:
    """Items that were created and updated in a category; ``None`` for those without one."""

    category: str | None
    changes: Compared


@dataclass(frozen=True, slots=True)
class Stock:
    """
    What there was when the week ended, of one currency; ``None`` for items without a price.

    Parameters
    ----------
    items, quantity
        Items and pieces.
    value
        Price times quantity in the currency's minor unit; ``None`` without a currency.
    """

    currency: str | None
    items: Compared
    quantity: Compared
    value: Compared | None


@dataclass(frozen=True, slots=True)
class Durations:
    """Half, nine of ten and 99 of 100 calls took at most this long, in ms; ``None`` of no calls."""

    p50: Compared | None
    p90: Compared | None
    p99: Compared | None


@dataclass(frozen=True, slots=True)
class CallsOfOutcome:
    """
    Calls that ended alike; ``all`` for all of them.

    Parameters
    ----------
    outcome
        How they ended.
    calls
        How many.
    latency_classes
        Latency class → how many.
    durations
        How long they took.
    """

    outcome: str
    calls: Compared
    latency_classes: dict[str, Compared]
    durations: Durations


@dataclass(frozen=True, slots=True)
class Summary:
    """
    A report.

    Parameters
    ----------
    tenant, week
        Whose, and of which week.
    starts_at, ends_at
        Its first moment, and the first one after it.
    as_of
        Until when it tells: the week's end, or when it was asked for if that was before.
    compared_with
        The week before.
    changes
        All changes of items and images.
    changes_by_kind, changes_by_day
        The same, divided.
    categories
        Those in which most happened.
    items, stock
        How many items there are, and what they amount to by currency.
    images
        ``ready`` and ``failed``.
    calls
        All calls, and then by how they ended.
    calls_by_day
        The same by day.
    bytes_in, bytes_out
        What calls carried.
    """

    tenant: str
    week: str
    starts_at: datetime
    ends_at: datetime
    as_of: datetime
    compared_with: str
    changes: Compared
    changes_by_kind: dict[str, Compared]
    changes_by_day: list[DayCounts]
    categories: list[Category]
    items: Compared
    stock: list[Stock]
    images: dict[str, Compared]
    calls: list[CallsOfOutcome]
    calls_by_day: list[DayCounts]
    bytes_in: Compared
    bytes_out: Compared

    @property
    def complete(self) -> bool:
        """Whether the week was over when the report was asked for."""
        return self.as_of == self.ends_at

    @property
    def all_calls(self) -> CallsOfOutcome:
        """All calls, however they ended."""
        return self.calls[0]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values; the same for the same figures."""
        return {"complete": self.complete, **_plain(self)}


def summarise(
    request: ReportRequest,
    figures: WeekFigures,
    before: WeekFigures,
    categories: Iterable[CategoryFigures],
) -> Summary:
    """Put the figures of a week and of the week before side by side."""
    week = request.week
    kinds = [_by_second(one.changes) for one in (figures, before)]
    by_kind = {kind: Compared(kinds[0][kind], kinds[1][kind]) for kind in KINDS}
    return Summary(
        tenant=request.tenant,
        week=str(week),
        starts_at=week.starts_at,
        ends_at=week.ends_at,
        as_of=min(week.ends_at, datetime.fromisoformat(request.requested_at)),
        compared_with=str(week.before),
        changes=Compared(*(kind.total() for kind in kinds)),
        changes_by_kind=by_kind,
        changes_by_day=_by_day(KINDS, week.days, figures.changes, week.before.days, before.changes),
        categories=[Category(one.name, Compared(one.now, one.before)) for one in categories],
        items=_compared(figures, before, lambda one: sum(s.items for s in one.stock.values())),
        stock=_stock(figures, before),
        images={"ready": by_kind["image.ready"], "failed": by_kind["image.failed"]},
        calls=[
            _calls(outcome, figures, before) for outcome in ("all", *_outcomes(figures, before))
        ],
        calls_by_day=_by_day(
            OUTCOMES, week.days, figures.calls_by_day, week.before.days, before.calls_by_day
        ),
        bytes_in=_compared(figures, before, lambda one: _sum(one, "bytes_in")),
        bytes_out=_compared(figures, before, lambda one: _sum(one, "bytes_out")),
    )


def _compared(
    figures: WeekFigures, before: WeekFigures, count: Callable[[WeekFigures], int]
) -> Compared:
    return Compared(count(figures), count(before))


def _sum(figures: WeekFigures, what: str) -> int:
    return sum(getattr(calls, what) for calls in figures.calls.values())


def _by_second(counts: Mapping[tuple[Any, str], int]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for (_, name), count in counts.items():
        summed[name] += count
    return summed


def _by_day(
    names: tuple[str, ...],
    days: list[date],
    counts: Mapping[tuple[date, str], int],
    days_before: list[date],
    counts_before: Mapping[tuple[date, str], int],
) -> list[DayCounts]:
    return [
        DayCounts(
            day,
            Compared(
                sum(counts.get((day, name), 0) for name in names),
                sum(counts_before.get((day_before, name), 0) for name in names),
            ),
            {name: counts.get((day, name), 0) for name in names},
        )
        for day, day_before in zip(days, days_before, strict=True)
    ]


def _stock(figures: WeekFigures, before: WeekFigures) -> list[Stock]:
    currencies = figures.stock.keys() | before.stock.keys()
    found = []
    # Those without a price come last.
    for currency in sorted(currencies, key=lambda one: (one is None, one or "")):
        now, then = (one.stock.get(currency, _NO_STOCK) for one in (figures, before))
        value = Compared(now.value, then.value) if currency is not None else None
        found.append(
            Stock(
                currency,
                Compared(now.items, then.items),
                Compared(now.quantity, then.quantity),
                value,
            )
        )
    return found


def _outcomes(figures: WeekFigures, before: WeekFigures) -> list[str]:
    seen = {outcome for outcome, _ in (*figures.calls, *before.calls)}
    return [outcome for outcome in OUTCOMES if outcome in seen]


def _calls(outcome: str, figures: WeekFigures, before: WeekFigures) -> CallsOfOutcome:
    classes: list[Counter[str]] = []
    durations: list[Counter[int]] = []
    for one in (figures, before):
        counted, taken = Counter[str](), Counter[int]()
        for (ended, latency), calls in one.calls.items():
            if outcome in ("all", ended):
                counted[latency] += calls.calls
                taken.update(calls.durations)
        classes.append(counted)
        durations.append(taken)
    return CallsOfOutcome(
        outcome,
        Compared(classes[0].total(), classes[1].total()),
        {name: Compared(classes[0][name], classes[1][name]) for name in LATENCY_CLASSES},
        Durations(*(_percentiles(part, *durations) for part in (0.5, 0.9, 0.99))),
    )


def _percentiles(part: float, now: Counter[int], before: Counter[int]) -> Compared | None:
    values = percentile(now, part), percentile(before, part)
    if values[0] is None:
        return None
    return Compared(round(values[0]), None if values[1] is None else round(values[1]))


def _plain(value: Any) -> Any:
    match value:
        case Compared():
            return value.document()
        case datetime():
            return timestamp(value)
        case date():
            return value.isoformat()
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list():
            return [_plain(one) for one in value]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value
