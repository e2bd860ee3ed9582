"""Migrations on a real server: each once, in order, by one process, and never a changed one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pymysql
import pytest

from itemstream.mysql import migrating
from itemstream.mysql.migrating import (
    LOCK,
    Migration,
    MigrationRefused,
    apply_migrations,
    read_migrations,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from tests.mariadb import MariaDbServer

DATABASE = "migrating"
FIRST = Migration(1, "first", "-- About it.\nCREATE TABLE IF NOT EXISTS one (id INT);\n")
SECOND = Migration(2, "second", "INSERT INTO one VALUES (1);\nINSERT INTO one\nVALUES (2);\n")


@pytest.fixture
def connect(mariadb_session: MariaDbServer) -> Iterator[Callable[[], Connection[Cursor]]]:
    """Return a function that connects to an empty database as one who may change it."""
    with mariadb_session.as_root(None) as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        opened = []

        def one_more() -> Connection[Cursor]:
            connection = pymysql.connect(
                unix_socket=str(mariadb_session.described.socket),
                user=mariadb_session.described.administrator,
                database=DATABASE,
                autocommit=True,
                ssl_disabled=True,
            )
            opened.append(connection)
            return connection

        yield one_more
        for connection in opened:
            connection.close()
        cursor.execute(f"DROP DATABASE {DATABASE}")


def query(connection: Connection[Cursor], sql: str) -> tuple[tuple[object, ...], ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def schema(connection: Connection[Cursor]) -> list[str]:
    tables = [str(name) for (name,) in query(connection, "SHOW TABLES")]
    return [str(query(connection, f"SHOW CREATE TABLE {table}")) for table in tables]


def test_what_is_missing_is_applied_in_order_and_recorded(
    connect: Callable[[], Connection[Cursor]],
) -> None:
    # Given
    connection = connect()

    # When they come one after the other, and again
    assert apply_migrations(connection, [FIRST]) == ["0001_first"]
    assert apply_migrations(connection, [FIRST, SECOND]) == ["0002_second"]
    assert apply_migrations(connection, [FIRST, SECOND]) == []

    # Then each was applied once
    assert query(connection, "SELECT id FROM one ORDER BY id") == ((1,), (2,))
    recorded = query(connection, "SELECT number, name FROM schema_migrations ORDER BY number")
    assert recorded == ((1, "first"), (2, "second"))


def test_our_migrations_may_be_interrupted_anywhere(
    connect: Callable[[], Connection[Cursor]],
) -> None:
    # Given all of them, applied
    connection, migrations = connect(), read_migrations()
    assert apply_migrations(connection, migrations) == [each.title for each in migrations]
    before = schema(connection)

    # When each is applied again, as after an end before it was recorded
    query(connection, "DELETE FROM schema_migrations")
    apply_migrations(connection, migrations)

    # Then nothing is different
    assert schema(connection) == before


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ([replace(FIRST, sql="CREATE TABLE one (id BIGINT);")], "0001_first was changed"),
        ([], "0001_first was applied to this database and is missing here"),
        ([replace(FIRST, name="another")], "0001_first was applied .* is missing here"),
    ],
    ids=["changed", "missing", "renamed"],
)
def test_files_that_are_not_the_ones_that_were_applied_are_refused(
    connect: Callable[[], Connection[Cursor]], now: list[Migration], reason: str
) -> None:
    # Given
    connection = connect()
    apply_migrations(connection, [FIRST])
    before = schema(connection)

    # When, then
    with pytest.raises(MigrationRefused, match=reason):
        apply_migrations(connection, now)
    assert schema(connection) == before

    # And others are not locked out by it
    assert apply_migrations(connect(), [FIRST]) == []


def test_two_processes_apply_each_migration_once(
    connect: Callable[[], Connection[Cursor]],
) -> None:
    # When four deployments come at once
    with ThreadPoolExecutor(4) as pool:
        runs = list(
            pool.map(lambda c: apply_migrations(c, [FIRST, SECOND]), [connect() for _ in range(4)])
        )

    # Then one of them did the work
    assert sorted(runs) == [[], [], [], ["0001_first", "0002_second"]]


def test_who_cannot_have_the_lock_says_so(
    connect: Callable[[], Connection[Cursor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given another process at work for longer than is waited
    monkeypatch.setattr(migrating, "LOCK_SECONDS", 0)
    query(connect(), f"SELECT GET_LOCK('{LOCK}', 0)")

    # When, then
    with pytest.raises(MigrationRefused, match="another process"):
        apply_migrations(connect(), [FIRST])


def test_a_migration_that_fails_is_tried_again_from_its_beginning(
    connect: Callable[[], Connection[Cursor]],
) -> None:
    # Given one whose last statement is wrong
    connection = connect()
    broken = replace(FIRST, sql=FIRST.sql + "CREATE TABLE;\n")
    with pytest.raises(pymysql.err.ProgrammingError):
        apply_migrations(connection, [broken])

    # When it is put right
    # Then it is applied, though its first statement had been
    assert apply_migrations(connection, [FIRST]) == ["0001_first"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["0001_a.sql", "0003_b.sql"], "1, 2, 3"),
        (["0002_a.sql"], "1, 2, 3"),
        (["0001_a.sql", "0001_b.sql"], "1, 2, 3"),
        (["first.sql"], "not named like"),
    ],
)
def test_files_must_be_numbered_without_a_gap(
    tmp_path: Path, names: list[str], reason: str
) -> None:
    # Given
    for name in names:
        (tmp_path / name).write_text("SELECT 1;\n")

    # When, then
    with pytest.raises(MigrationRefused, match=reason):
        read_migrations(tmp_path)


def test_a_statement_ends_with_its_line() -> None:
    sql = "-- One; two.\nINSERT INTO one VALUES (';');\n\nINSERT INTO one\n  VALUES (2);\n"
    assert Migration(1, "a", sql).statements == [
        "INSERT INTO one VALUES (';')",
        "INSERT INTO one\n  VALUES (2)",
    ]
