"""One table from MySQL's and MariaDB's error numbers to what they mean to us.

Sources: MySQL 8.4 Error Message Reference; MariaDB Error Code Reference; RDS Proxy's own numbers
in the RDS User Guide, "Common issues and solutions" of RDS Proxy.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pymysql.err import Error, InterfaceError, InternalError

from itemstream.dependencies import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CONFLICTS",
    "DENIED",
    "LOST",
    "UNFIT",
    "error_number",
    "is_lost",
    "mysql_errors",
]

# Another transaction was in the way: lock wait, deadlock. The same work may succeed at once.
CONFLICTS = frozenset({1205, 1213})

# The server does not let us in: a password that was rotated, or a token that is too old.
DENIED = frozenset({1045, 1698})

# The connection is gone, and what was sent last may have happened or not: the client's own numbers
# (2xxx), shutdown, killed connections.
LOST = frozenset({1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2055, 4031})

# A value that will never fit its column: out of range, too long, or a sum that is out of range.
# PyMySQL takes the last for an OperationalError.
UNFIT = frozenset({1264, 1406, 1690})

_UNAVAILABLE = frozenset(
    {
        *CONFLICTS,
        *DENIED,
        *LOST,
        # No connection to be had: too many, a host that does not answer, the proxy's pool is empty.
        *(1040, 1129, 1203, 1226, 2002, 2003, 2005, 2026, 9501, 9502),
        # No room.
        *(1021, 1114),
        # Ended for taking too long, or by an operator.
        *(1317, 1969, 3024),
        # Read-only: a failover is on its way.
        *(1290, 1836),
        # No database, table or column: code was deployed before its migration was applied.
        *(1049, 1054, 1146),
    }
)


def error_number(error: Error) -> int:
    """Return the number of an error, 0 if it has none."""
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0


def is_lost(error: Error) -> bool:
    """Whether the connection is of no use any more."""
    # Without a number, the driver speaks: the socket was closed, or answers are out of order.
    return error_number(error) in LOST or (
        isinstance(error, InterfaceError | InternalError) and error_number(error) == 0
    )


@contextmanager
def mysql_errors() -> Iterator[None]:
    """
    Turn outages, conflicts and time-outs into :class:`DependencyUnavailable`.

    Every other error passes through unchanged: a malformed statement or a value that does not fit
    is a fault of ours and must stay visible as one.
    """
    try:
        yield
    except Error as error:
        if is_lost(error) or error_number(error) in _UNAVAILABLE:
            raise DependencyUnavailable("MySQL") from error
        raise
