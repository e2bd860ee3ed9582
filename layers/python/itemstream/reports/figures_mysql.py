"""What happened in a week, from the tables that ``report_projector`` keeps in MySQL.

All that one report says is read from one snapshot, so that its parts fit each other. The stock at a
moment is what items are now, but for those that changed since: of these it is the last change
before. (Where the log no longer had that change when the tables were rebuilt, the item counts as it
is now.)
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from itemstream.mysql.connection import Database
from itemstream.reports.csv_lines import Change
from itemstream.reports.figures import CallFigures, CategoryFigures, StockFigures, WeekFigures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from itemstream.mysql.connection import Snapshot
    from itemstream.reports.weeks import Week

__all__ = ["MySqlWeeks"]

# A week of a large tenant is read by the million; nobody waits for it.
ANSWER_SECONDS = 120.0

# The range of a week's changes by time is read in the order that its index has.
_OF_WEEK = """
  FROM item_changes FORCE INDEX (item_changes_by_time)
  WHERE tenant = %(tenant)s AND occurred_at >= %(start)s AND occurred_at < %(end)s
"""

_CHANGES_BY_DAY = f"SELECT DATE(occurred_at) AS day, kind, COUNT(*) {_OF_WEEK} GROUP BY day, kind"

_LINES = f"""
  SELECT occurred_at, kind, item_id, version, category, status, currency, price_amount, quantity,
    event_id
  {_OF_WEEK} ORDER BY occurred_at, event_id
"""

_CATEGORIES = """
  SELECT category, SUM(occurred_at >= %(middle)s) AS changes, SUM(occurred_at < %(middle)s) AS older
  FROM item_changes FORCE INDEX (item_changes_by_time)
  WHERE tenant = %(tenant)s AND occurred_at >= %(start)s AND occurred_at < %(end)s
    AND kind IN ('item.created', 'item.updated')
  GROUP BY category
  HAVING changes > 0
  ORDER BY changes DESC, older DESC, category
  LIMIT %(most)s
"""

# A position is twice the version, and one more if the item was deleted.
_STOCK = """
  WITH changed_since AS (
    SELECT DISTINCT item_id
    FROM item_changes FORCE INDEX (item_changes_by_time)
    WHERE tenant = %(tenant)s AND occurred_at >= %(moment)s
      AND kind IN ('item.created', 'item.updated', 'item.deleted')
  ),
  last_before AS (
    SELECT older.item_id, MAX(2 * older.version + (older.kind = 'item.deleted')) AS position
    FROM changed_since JOIN item_changes AS older
      ON older.tenant = %(tenant)s AND older.item_id = changed_since.item_id
    WHERE older.occurred_at < %(moment)s
      AND older.kind IN ('item.created', 'item.updated', 'item.deleted')
    GROUP BY older.item_id
  ),
  stock AS (
    SELECT present.currency, present.price_amount, present.quantity
    FROM items_current AS present
      LEFT JOIN last_before ON last_before.item_id = present.item_id
    WHERE present.tenant = %(tenant)s AND NOT present.deleted AND present.status IS NOT NULL
      AND present.created_at < %(moment)s AND last_before.item_id IS NULL
    UNION ALL
    SELECT older.currency, older.price_amount, older.quantity
    FROM last_before JOIN item_changes AS older
      ON older.tenant = %(tenant)s AND older.item_id = last_before.item_id
        AND 2 * older.version + (older.kind = 'item.deleted') = last_before.position
    WHERE older.kind IN ('item.created', 'item.updated')
  )
  SELECT currency, COUNT(*), COALESCE(SUM(quantity), 0),
    COALESCE(SUM(CAST(price_amount AS DECIMAL(20)) * quantity), 0)
  FROM stock GROUP BY currency
"""

_CALLS = """
  SELECT outcome, latency_class, duration_bucket, SUM(calls), SUM(bytes_in), SUM(bytes_out)
  FROM call_hours
  WHERE tenant = %(tenant)s AND hour >= %(start)s AND hour < %(end)s
  GROUP BY outcome, latency_class, duration_bucket
"""

_CALLS_BY_DAY = """
  SELECT DATE(hour) AS day, outcome, SUM(calls)
  FROM call_hours
  WHERE tenant = %(tenant)s AND hour >= %(start)s AND hour < %(end)s
  GROUP BY day, outcome
"""

_TENANTS = """
  SELECT DISTINCT tenant FROM items_current
  UNION SELECT DISTINCT tenant FROM item_changes
  UNION SELECT DISTINCT tenant FROM call_hours
  ORDER BY tenant
"""


class MySqlWeeks:
    """
    Weeks in MySQL; see :class:`itemstream.reports.repository.WeekSource`.

    Parameters
    ----------
    database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def from_environment(cls) -> MySqlWeeks:
        """Make the one that the function's environment variables describe."""
        return cls(Database.from_environment(answer_seconds=ANSWER_SECONDS))

    def tenants(self) -> Iterator[str]:
        """Yield those that have items, changes or calls, in the order of their names."""
        for (tenant,) in self._database.rows(_TENANTS):
            yield tenant

    @contextmanager
    def reading(
        self, tenant: str, *, check: Callable[[], None] = lambda: None
    ) -> Iterator[MySqlReading]:
        """Hold the tables still while a tenant's weeks are read."""
        with self._database.snapshot() as snapshot:
            yield MySqlReading(snapshot, tenant, check)


class MySqlReading:
    """A tenant's weeks at one moment; see :class:`itemstream.reports.repository.WeekReading`."""

    def __init__(self, snapshot: Snapshot, tenant: str, check: Callable[[], None]) -> None:
        self._snapshot = snapshot
        self._tenant = tenant
        self._check = check

    def figures(self, week: Week) -> WeekFigures:
        """Count in MySQL; what comes back is as small for a million changes as for one."""
        start, end = week.starts_at, week.ends_at
        durations: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        carried: dict[tuple[str, str], tuple[int, int]] = {}
        for outcome, latency, bucket, calls, taken, given in self._rows(_CALLS, start, end):
            durations[outcome, latency][bucket] = int(calls)
            before = carried.get((outcome, latency), (0, 0))
            carried[outcome, latency] = (before[0] + int(taken), before[1] + int(given))
        return WeekFigures(
            changes={
                (day, kind): int(count)
                for day, kind, count in self._rows(_CHANGES_BY_DAY, start, end)
            },
            stock={
                currency: StockFigures(int(items), int(quantity), int(value))
                for currency, items, quantity, value in self._rows(_STOCK, moment=end)
            },
            calls={
                key: CallFigures(sum(buckets.values()), buckets, *carried[key])
                for key, buckets in durations.items()
            },
            calls_by_day={
                (day, outcome): int(calls)
                for day, outcome, calls in self._rows(_CALLS_BY_DAY, start, end)
            },
        )

    def categories(self, week: Week, *, most: int) -> list[CategoryFigures]:
        """Count what was created and updated; deletions do not tell their category."""
        rows = self._rows(
            _CATEGORIES, week.before.starts_at, week.ends_at, middle=week.starts_at, most=most
        )
        return [CategoryFigures(name, int(changes), int(older)) for name, changes, older in rows]

    def changes(self, week: Week) -> Iterator[Change]:
        """Yield them as MySQL sends them."""
        return map(Change._make, self._rows(_LINES, week.starts_at, week.ends_at))

    def _rows(
        self,
        sql: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        moment: datetime | None = None,
        **others: Any,
    ) -> Iterator[tuple[Any, ...]]:
        times = {"start": start, "end": end, "moment": moment, "middle": others.pop("middle", None)}
        arguments = {
            "tenant": self._tenant,
            # The columns hold UTC without saying so.
            **{name: time.replace(tzinfo=None) for name, time in times.items() if time},
            **others,
        }
        self._check()
        return self._snapshot.rows(sql, arguments)
