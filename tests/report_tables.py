"""The tables of reports in the running stack's MySQL, read as the projector sees them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql

from tests.fakes.item_histories import CHANGES, CURRENT, HOURS

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

__all__ = ["ReportTables"]


class ReportTables:
    """
    Rows of one tenant.

    Parameters
    ----------
    stack
        Whose tables.
    tenant
        The tenant.
    """

    def __init__(self, stack: LocalStack, tenant: str) -> None:
        self._stack = stack
        self._variables = stack.variables("report_projector")
        self._tenant = tenant

    def changes(self) -> list[tuple[Any, ...]]:
        """Return ``item_changes``, by event."""
        return self._rows(CHANGES)

    def items(self) -> list[tuple[Any, ...]]:
        """Return ``items_current``, by item."""
        return self._rows(CURRENT)

    def hours(self) -> list[tuple[Any, ...]]:
        """Return ``call_hours``."""
        return self._rows(HOURS)

    def calls(self) -> int:
        """Return how many calls were counted."""
        return sum(row[5] for row in self.hours())

    def dump(self) -> list[list[tuple[Any, ...]]]:
        """Return all of them."""
        return [self.changes(), self.items(), self.hours()]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with (
            closing(
                pymysql.connect(
                    host=self._variables["DATABASE_HOST"],
                    port=int(self._variables["DATABASE_PORT"]),
                    user=self._variables["DATABASE_USER"],
                    # Another test may have it rotated at any time.
                    password=self._stack.secret("database")["password"],
                    database=self._variables["DATABASE_NAME"],
                    connect_timeout=5,
                    read_timeout=10,
                    ssl_disabled=True,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                query.replace(" ORDER BY", " WHERE tenant = %s ORDER BY"), (self._tenant,)
            )
            return list(cursor.fetchall())
