"""What MySQL's errors mean to whoever called."""

from __future__ import annotations

import pytest
from pymysql.err import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from itemstream.dependencies import DependencyUnavailable
from itemstream.mysql.errors import is_lost, mysql_errors


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(2003, "Can't connect to MySQL server"),
        OperationalError(2013, "Lost connection to MySQL server during query"),
        OperationalError(2006, "MySQL server has gone away"),
        OperationalError(1040, "Too many connections"),
        OperationalError(1045, "Access denied for user"),
        OperationalError(1053, "Server shutdown in progress"),
        OperationalError(1205, "Lock wait timeout exceeded"),
        OperationalError(1213, "Deadlock found when trying to get lock"),
        OperationalError(1290, "The MySQL server is running with the --read-only option"),
        OperationalError(1927, "Connection was killed"),
        OperationalError(9501, "Timed-out waiting to acquire database connection"),
        ProgrammingError(1146, "Table 'itemstream.item_changes' doesn't exist"),
        InterfaceError(0, ""),
        InternalError("Packet sequence number wrong - got 1 expected 2"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.args[0]}",
)
def test_what_passes_is_an_outage(error: Error) -> None:
    with pytest.raises(DependencyUnavailable) as raised, mysql_errors():
        raise error
    assert raised.value.dependency == "MySQL"
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        ProgrammingError(1064, "You have an error in your SQL syntax"),
        IntegrityError(1062, "Duplicate entry"),
        DataError(1406, "Data too long for column"),
        OperationalError(1690, "BIGINT value is out of range"),
        OperationalError(1142, "SELECT command denied to user"),
        Error(),
    ],
    ids=lambda error: f"{type(error).__name__}",
)
def test_our_own_faults_stay_visible(error: Error) -> None:
    with pytest.raises(type(error)) as raised, mysql_errors():
        raise error
    assert raised.value is error


def test_a_conflict_leaves_the_connection_usable() -> None:
    assert not is_lost(OperationalError(1213, "Deadlock found"))
    assert is_lost(OperationalError(2013, "Lost connection"))
    assert is_lost(InterfaceError(0, ""))
