"""The rows of reports in MySQL; for the tables see ``mysql/migrations``.

A batch is one transaction, its rows sorted by key so that two batches take their locks in one
order, many of them in one statement: as many as RDS Proxy takes without pinning the connection. The
statements run on MySQL and MariaDB alike, hence ``VALUES()``; and there is no ``INSERT IGNORE``,
which would also make values fit that do not.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pymysql.err import DataError, Error, IntegrityError

from itemstream.mysql.connection import Database
from itemstream.mysql.errors import UNFIT, error_number
from itemstream.reports.projection import RowsRefused, state_of_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pymysql.cursors import Cursor

    from itemstream.reports.projection import CountedCall, ItemChange, ItemState

__all__ = ["MySqlProjection"]

# A statement of more than 16 KB pins a connection to its client (RDS User Guide, "Avoiding pinning
# an RDS Proxy").
LONGEST_STATEMENT_BYTES = 15_000
# An id has 128 characters at most, all of them ASCII.
IDS_PER_QUERY = 100

_CHANGE_COLUMNS = (
    *("tenant", "event_id", "item_id", "kind", "version", "occurred_at"),
    *("category", "status", "currency", "price_amount", "quantity"),
)
_CONTENT = ("category", "status", "currency", "price_amount", "quantity", "created_at")
_STATE = ("version", "deleted", "images", "updated_at")
_STATE_COLUMNS = ("tenant", "item_id", "position", "content_position", *_STATE, *_CONTENT)
_CALL_COLUMNS = ("tenant", "call_id", "hour", "batch")
_HOUR_KEY = ("tenant", "hour", "outcome", "latency_class", "duration_bucket")
_HOUR_SUMS = ("calls", "duration_ms", "bytes_in", "bytes_out")

# Assignments are made from left to right, and what comes later sees what came before (MySQL
# Reference Manual, "UPDATE Statement"): the positions that are compared come last.
_REPLACE_OLDER = ", ".join(
    [
        *(
            f"{name} = IF(VALUES(content_position) > content_position, VALUES({name}), {name})"
            for name in _CONTENT
        ),
        "content_position = GREATEST(content_position, VALUES(content_position))",
        *(f"{name} = IF(VALUES(position) > position, VALUES({name}), {name})" for name in _STATE),
        "position = GREATEST(position, VALUES(position))",
    ]
)


class MySqlProjection:
    """
    The rows in MySQL; see :class:`itemstream.reports.projection.Projection`.

    Parameters
    ----------
    database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def from_environment(cls) -> MySqlProjection:
        """Make the one that the function's environment variables describe."""
        return cls(Database.from_environment())

    def add_changes(self, changes: Sequence[ItemChange]) -> int:
        """Add to ``item_changes`` and ``items_current`` in one transaction."""
        states = [state for change in changes if (state := state_of_change(change))]

        def work(cursor: Cursor) -> int:
            _upsert(cursor, "items_current", _STATE_COLUMNS, _states(states), _REPLACE_OLDER)
            # MySQL counts a row that is inserted, and none for one that stays as it is.
            return _upsert(
                cursor,
                "item_changes",
                _CHANGE_COLUMNS,
                map(_change_row, changes),
                "event_id = event_id",
            )

        with _refusals():
            return self._database.run(work)

    def add_states(self, states: Sequence[ItemState]) -> None:
        """Add to ``items_current``."""

        def work(cursor: Cursor) -> None:
            _upsert(cursor, "items_current", _STATE_COLUMNS, _states(states), _REPLACE_OLDER)

        with _refusals():
            self._database.run(work)

    def add_calls(self, calls: Sequence[CountedCall]) -> int:
        """Mark in ``projected_calls`` what is new, and count just that in ``call_hours``."""

        def work(cursor: Cursor) -> int:
            # Another name at each attempt: what an attempt marked whose answer was lost is not
            # new to the next one.
            batch = os.urandom(16).hex()
            marks = ((call.tenant, call.call_id, call.hour, batch) for call in calls)
            _upsert(cursor, "projected_calls", _CALL_COLUMNS, marks, "call_id = call_id")
            new = _marked(cursor, batch, calls)
            sums = ", ".join(f"{name} = {name} + VALUES({name})" for name in _HOUR_SUMS)
            _upsert(cursor, "call_hours", (*_HOUR_KEY, *_HOUR_SUMS), _hours(new), sums)
            return len(new)

        with _refusals():
            return self._database.run(work)


def _upsert(
    cursor: Cursor, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], known: str
) -> int:
    """Insert rows, or do with those that are there what `known` says; return what MySQL counts."""
    ordered = sorted(rows, key=_key)
    if not ordered:
        return 0
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names of ours; values are arguments
        f"VALUES ({', '.join(['%s'] * len(columns))}) ON DUPLICATE KEY UPDATE {known}"
    )
    # PyMySQL gathers rows into statements up to this length.
    # The stubs know the class's own only.
    cursor.max_stmt_length = LONGEST_STATEMENT_BYTES  # type: ignore[misc]
    return int(cursor.executemany(statement, ordered) or 0)


def _key(row: tuple[Any, ...]) -> tuple[str, str]:
    # Every table's key begins with two columns that are never NULL.
    return str(row[0]), str(row[1])


def _marked(cursor: Cursor, batch: str, calls: Sequence[CountedCall]) -> list[CountedCall]:
    """Return the calls that this batch marked, each once."""
    tenants: defaultdict[str, dict[str, CountedCall]] = defaultdict(dict)
    for call in calls:
        tenants[call.tenant].setdefault(call.call_id, call)
    new: list[CountedCall] = []
    for tenant, known in tenants.items():
        # One tenant at a time: MariaDB looks up no index by pairs of columns.
        ids = list(known)
        for start in range(0, len(ids), IDS_PER_QUERY):
            cursor.execute(
                "SELECT call_id FROM projected_calls "
                "WHERE tenant = %s AND call_id IN %s AND batch = %s",
                (tenant, ids[start : start + IDS_PER_QUERY], batch),
            )
            new += [known[str(row[0])] for row in cursor.fetchall()]
    return new


def _hours(calls: Iterable[CountedCall]) -> Iterator[tuple[Any, ...]]:
    sums: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(_HOUR_SUMS))
    for call in calls:
        key = (
            *(call.tenant, _stored(call.hour)),
            *(call.outcome, call.latency_class, call.duration_bucket),
        )
        more = (1, call.duration_ms, call.bytes_in, call.bytes_out)
        sums[key] = [a + b for a, b in zip(sums[key], more, strict=True)]
    yield from ((*key, *summed) for key, summed in sums.items())


def _change_row(change: ItemChange) -> tuple[Any, ...]:
    content = change.content
    told = (
        (None,) * 5
        if content is None
        else (
            *(content.category, content.status, content.currency),
            *(content.price_amount, content.quantity),
        )
    )
    return (
        *(change.tenant, change.event_id, change.item_id, change.kind, change.version),
        *(_stored(change.occurred_at), *told),
    )


def _states(states: Iterable[ItemState]) -> Iterator[tuple[Any, ...]]:
    for state in states:
        content = state.content
        told = (
            (None,) * len(_CONTENT)
            if content is None
            else (
                *(content.category, content.status, content.currency),
                *(content.price_amount, content.quantity, _stored(content.created_at)),
            )
        )
        yield (
            *(state.tenant, state.item_id, state.position, state.content_position),
            *(state.version, state.deleted, state.images, _stored(state.updated_at), *told),
        )


def _stored(moment: datetime) -> datetime:
    """Return a moment in UTC as a DATETIME, which has no time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Error as error:
        if isinstance(error, DataError | IntegrityError) or error_number(error) in UNFIT:
            raise RowsRefused(f"MySQL refuses it: {error.args}") from error
        raise
