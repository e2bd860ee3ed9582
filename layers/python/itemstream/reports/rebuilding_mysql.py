"""The tables of reports in MySQL, emptied tenant by tenant and a little at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from itemstream.mysql.connection import Database

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

__all__ = ["MySqlTables"]

ROWS_PER_DELETION = 5000
# An hour of calls is deleted at once, however many they are.
ANSWER_SECONDS = 60.0
# Later than anything that happened, for a log that keeps nothing.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class MySqlTables:
    """
    See :class:`itemstream.reports.rebuilding.Tables`.

    Parameters
    ----------
    database
        Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def from_environment(cls) -> MySqlTables:
        """Make the one that the function's environment variables describe."""
        return cls(Database.from_environment(answer_seconds=ANSWER_SECONDS))

    def empty_some(self, tenant: str) -> int:
        """Delete some rows of one table, or all that is known of the calls of an hour."""
        return self._database.run(lambda cursor: _emptied(cursor, tenant))

    def rows_before(self, tenant: str, moment: datetime | None) -> tuple[int, int]:
        """Count in one transaction."""
        before = (moment or _NEVER).astimezone(UTC).replace(tzinfo=None)

        def work(cursor: Cursor) -> tuple[int, int]:
            changes = _number(
                cursor,
                "SELECT COUNT(*) FROM item_changes WHERE tenant = %s AND occurred_at < %s",
                tenant,
                before,
            )
            deleted = _number(
                cursor,
                "SELECT COUNT(*) FROM items_current"
                " WHERE tenant = %s AND deleted AND updated_at < %s",
                tenant,
                before,
            )
            return changes, deleted

        return self._database.run(work)


def _emptied(cursor: Cursor, tenant: str) -> int:
    for table in ("item_changes", "items_current"):
        statement = f"DELETE FROM {table} WHERE tenant = %s LIMIT {ROWS_PER_DELETION}"  # noqa: S608
        if deleted := cursor.execute(statement, (tenant,)):
            return deleted
    for table in ("projected_calls", "call_hours"):
        cursor.execute(f"SELECT hour FROM {table} WHERE tenant = %s LIMIT 1", (tenant,))  # noqa: S608
        if rows := cursor.fetchall():
            # Marks and counts together, or a call that comes again meanwhile would be counted
            # twice, or not at all; the marks first, as where calls are counted.
            return sum(
                cursor.execute(
                    f"DELETE FROM {one} WHERE tenant = %s AND hour = %s",  # noqa: S608
                    (tenant, rows[0][0]),
                )
                for one in ("projected_calls", "call_hours")
            )
    return 0


def _number(cursor: Cursor, query: str, *arguments: Any) -> int:
    cursor.execute(query, arguments)
    (row,) = cursor.fetchall()
    return int(row[0])
