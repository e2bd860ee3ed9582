"""What MySQL is told; MariaDB is really asked in tests/integration/mysql."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pymysql.err import OperationalError

from itemstream.dependencies import DependencyUnavailable
from itemstream.rotation import RotationRefused
from itemstream.rotation.database_mysql import DatabasePassword

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = json.dumps({"username": "itemstream", "password": "old", "engine": "mysql"})


class MySql:
    """A server that lets nobody in but its owner, and keeps what it is told."""

    def __init__(self, refusal: int) -> None:
        self.refusal = refusal
        self.told: list[tuple[str, tuple[str, ...]]] = []

    def execute(self, statement: str, arguments: tuple[str, ...] = ()) -> None:
        if statement.startswith("ALTER"):
            self.told.append((statement, arguments))

    def fetchall(self) -> Any:
        return (("8.4.3",),)

    @contextmanager
    def transaction(self) -> Iterator[MySql]:
        yield self

    def close(self) -> None: ...

    def user(self, user: str, password: str) -> Any:
        raise DependencyUnavailable("MySQL") from OperationalError(self.refusal, "no")


def rotation(server: MySql) -> DatabasePassword:
    return DatabasePassword(server.user, server)  # type: ignore[arg-type]


def test_mysql_retains_the_password_that_is_in_use() -> None:
    # Given
    server = MySql(refusal=1045)
    new = rotation(server).make(OLD)

    # When
    rotation(server).set(new, OLD)

    # Then: whichever was first, the one in use is first before it is retained
    password = json.loads(new)["password"]
    assert server.told == [
        ("ALTER USER %s@'%%' IDENTIFIED BY %s", ("itemstream", "old")),
        (
            "ALTER USER %s@'%%' IDENTIFIED BY %s RETAIN CURRENT PASSWORD",
            ("itemstream", password),
        ),
    ]


def test_a_server_that_is_away_is_not_taken_for_one_that_refuses() -> None:
    # Given
    server = MySql(refusal=2003)
    new = rotation(server).make(OLD)

    # Then
    with pytest.raises(DependencyUnavailable):
        rotation(server).set(new, OLD)
    assert server.told == []


def test_a_new_secret_keeps_what_else_the_old_one_holds() -> None:
    new = json.loads(rotation(MySql(1045)).make(OLD))
    assert {**new, "password": "old"} == json.loads(OLD)
    assert len(new["password"]) >= 40


def test_a_secret_without_a_value_is_refused() -> None:
    with pytest.raises(RotationRefused, match="no value yet"):
        rotation(MySql(1045)).make(None)
