"""Transactions on a real server, and what they do when it fails."""

from __future__ import annotations

import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from itemstream.dependencies import DependencyUnavailable
from itemstream.mysql import connection as connection_module
from itemstream.mysql.connection import Database
from tests.mariadb import PASSWORD, free_port, mariadb_server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.cursors import Cursor

    from tests.mariadb import MariaDbServer

INSERT = "INSERT INTO numbers (number) VALUES (%s)"
# MariaDB takes no smaller max_connections.
FEWEST_CONNECTIONS = 10
COUNT = "SELECT COUNT(*) FROM numbers"


@pytest.fixture(autouse=True)
def _numbers(mariadb_session: MariaDbServer) -> Iterator[None]:
    """Give these tests a table of their own."""
    with mariadb_session.as_root() as cursor:
        cursor.execute("CREATE TABLE numbers (number INT PRIMARY KEY, said INT DEFAULT 0)")
    yield
    with mariadb_session.as_root() as cursor:
        cursor.execute("DROP TABLE numbers")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Keep what a server keeps when it ends."""
    with tempfile.TemporaryDirectory(prefix="mariadb-") as made:
        yield Path(made)


@pytest.fixture
def breakable(folder: Path) -> Iterator[MariaDbServer]:
    """Run a server that tests may stop and starve; it has room for the fewest connections."""
    with mariadb_server(folder, f"--max-connections={FEWEST_CONNECTIONS}") as server:
        yield server


def add(number: int) -> Any:
    """Return work that inserts a number."""
    return lambda cursor: cursor.execute(INSERT, (number,))


def count(database: Database) -> int:
    """Count the numbers."""
    ((found,),) = database.rows(COUNT)
    return int(found)


def connection_id(cursor: Cursor) -> int:
    """Ask which connection this is."""
    cursor.execute("SELECT CONNECTION_ID()")
    return int(cursor.fetchall()[0][0])


def kill_connections(server: MariaDbServer) -> None:
    """End every connection of the user that functions are, as an operator may."""
    with server.as_root() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist WHERE user = 'itemstream'",
        )
        for (found,) in cursor.fetchall():
            cursor.execute(f"KILL {found}")


def test_what_a_transaction_writes_is_there(mariadb: Database) -> None:
    # When
    mariadb.run(add(1))

    # Then
    assert list(mariadb.rows("SELECT number FROM numbers")) == [(1,)]


def test_an_error_undoes_all_of_a_transaction(mariadb: Database) -> None:
    # When the second statement violates a key
    def work(cursor: Cursor) -> None:
        cursor.execute(INSERT, (1,))
        cursor.execute(INSERT, (1,))

    with pytest.raises(pymysql.err.IntegrityError):
        mariadb.run(work)

    # Then nothing stays, and the connection is good for more
    assert count(mariadb) == 0
    mariadb.run(add(2))
    assert count(mariadb) == 1


def test_one_connection_serves_one_transaction_after_another(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # When
    used = {mariadb.run(connection_id) for _ in range(3)}

    # Then
    assert len(used) == 1
    assert mariadb_session.connections() == 1


def test_a_connection_sends_what_we_say_and_nothing_of_its_own(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # Given a server that notes every statement
    with mariadb_session.as_root("mysql") as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("TRUNCATE general_log")
        cursor.execute("SET GLOBAL general_log = 1")

        # When
        try:
            mariadb.run(add(1))
            mariadb.run(add(2))
            list(mariadb.rows(COUNT))
        finally:
            cursor.execute("SET GLOBAL general_log = 0")

        # Then no SET is among them, which would pin the proxy's connection to this session
        cursor.execute(
            "SELECT command_type, argument FROM general_log"
            " WHERE user_host LIKE 'itemstream%%' ORDER BY event_time"
        )
        said = cursor.fetchall()
    assert [argument for kind, argument in said if kind == "Query"] == [
        *("BEGIN", INSERT % 1, "COMMIT"),
        *("BEGIN", INSERT % 2, "COMMIT"),
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        COUNT,
    ]
    assert {kind for kind, _ in said} <= {"Connect", "Query", "Quit"}


def test_text_beyond_the_latin_alphabet_survives(mariadb: Database) -> None:
    # When, in a table of utf8mb4, over a connection whose handshake said so
    assert list(mariadb.rows("SELECT %s, LENGTH(%s)", ("Lampe 🪔 ü", "🪔"))) == [("Lampe 🪔 ü", 4)]


def test_a_connection_that_the_server_has_closed_is_made_anew(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # Given a kept connection that is gone
    mariadb.run(add(1))
    kill_connections(mariadb_session)

    # When, then: work goes on as if nothing had been
    with mariadb.transaction() as cursor:
        add(2)(cursor)
    assert count(mariadb) == 2


def test_a_connection_that_is_lost_in_the_middle_is_made_anew_and_the_work_done_again(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # Given work that loses its connection the first time
    attempts = []

    def work(cursor: Cursor) -> None:
        cursor.execute(INSERT, (len(attempts),))
        attempts.append(1)
        if len(attempts) == 1:
            kill_connections(mariadb_session)
        cursor.execute(COUNT)

    # When
    mariadb.run(work)

    # Then only the second attempt counts
    assert len(attempts) == 2
    assert list(mariadb.rows("SELECT number FROM numbers")) == [(1,)]


def test_an_old_connection_is_replaced(mariadb_session: MariaDbServer) -> None:
    # Given one that has served for as long as any may
    now = [0.0]
    database = mariadb_session.database(clock=lambda: now[0])
    first = database.run(connection_id)

    # When
    now[0] = connection_module.LONGEST_AGE_SECONDS + 1
    second = database.run(connection_id)

    # Then
    assert second != first
    eventually(lambda: mariadb_session.connections() == 1)
    database.close()


def test_deadlocks_are_tried_again(mariadb: Database, mariadb_session: MariaDbServer) -> None:
    # Given two that take the same two rows, in opposite order
    for number in (1, 2):
        mariadb.run(add(number))
    met = Barrier(2, timeout=10)
    others = mariadb_session.database()

    def swap(database: Database, first: int, second: int) -> int:
        attempts = []

        def work(cursor: Cursor) -> None:
            attempts.append(1)
            cursor.execute("UPDATE numbers SET said = said + 1 WHERE number = %s", (first,))
            if len(attempts) == 1:
                with suppress(Exception):
                    met.wait()
            cursor.execute("UPDATE numbers SET said = said + 1 WHERE number = %s", (second,))

        database.run(work)
        return len(attempts)

    # When
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(swap, mariadb, 1, 2), pool.submit(swap, others, 2, 1)]
        attempts = sorted(run.result() for run in runs)

    # Then one was ended by the server and came again; both counted once
    assert attempts == [1, 2]
    assert list(mariadb.rows("SELECT said FROM numbers ORDER BY number")) == [(2,), (2,)]
    others.close()


def test_who_always_finds_the_rows_locked_is_told_so(
    mariadb: Database, mariadb_session: MariaDbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a row that somebody holds, and a server that waits for a second
    monkeypatch.setattr(connection_module, "ATTEMPTS", 2)
    mariadb.run(add(1))
    with mariadb_session.as_root() as root:
        root.execute("SET GLOBAL innodb_lock_wait_timeout = 1")
        try:
            root.execute("BEGIN")
            root.execute("UPDATE numbers SET said = 5")

            # When, then
            other = mariadb_session.database()
            with pytest.raises(DependencyUnavailable):
                other.run(lambda cursor: cursor.execute("UPDATE numbers SET said = 6"))
            other.close()
        finally:
            root.execute("ROLLBACK")
            root.execute("SET GLOBAL innodb_lock_wait_timeout = 4")


def test_a_snapshot_sees_one_moment(mariadb: Database) -> None:
    # Given
    mariadb.run(add(1))

    # When others write while it is read
    with mariadb.snapshot() as snapshot:
        first = list(snapshot.rows(COUNT))
        mariadb.run(add(2))
        second = list(snapshot.rows(COUNT))

    # Then
    assert first == second == [(1,)]
    assert count(mariadb) == 2


def test_rows_that_nobody_wants_are_not_read_and_their_connection_goes(
    mariadb: Database, mariadb_session: MariaDbServer
) -> None:
    # Given more rows than are ever read
    rows = mariadb.rows("SELECT seq FROM seq_1_to_10000000")

    # When the reader stops
    started = time.monotonic()
    assert next(rows) == (1,)
    rows.close()  # type: ignore[attr-defined]

    # Then at once, and nothing is left behind
    assert time.monotonic() - started < 2
    eventually(lambda: mariadb_session.connections() == 0)


def test_a_password_that_was_rotated_is_read_again(mariadb_session: MariaDbServer) -> None:
    # Given an environment that remembers the password before
    class Rotated:
        asked: list[bool] = []  # noqa: RUF012

        def current(self, *, fresh: bool = False) -> str:
            self.asked.append(fresh)
            return PASSWORD if fresh else "the one before"

    database = mariadb_session.database(password=Rotated())

    # When
    assert count(database) == 0

    # Then it was asked for once more
    assert Rotated.asked == [False, True]
    database.close()


def test_a_server_that_is_not_there_is_said_to_be_away_at_once(
    mariadb_session: MariaDbServer,
) -> None:
    # Given
    settings = connection_module.DatabaseSettings("127.0.0.1", free_port(), "itemstream", "u")
    database = Database(settings, password=mariadb_session.database()._password)

    # When, then
    started = time.monotonic()
    with pytest.raises(DependencyUnavailable):
        database.run(add(1))
    assert time.monotonic() - started < 1


@contextmanager
def frozen(server: MariaDbServer) -> Iterator[None]:
    """Stop a server from doing anything while it keeps its connections."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("connected", [False, True])
def test_a_server_that_is_silent_is_given_up_quickly(
    breakable: MariaDbServer, connected: bool
) -> None:
    # Given a server that is frozen, before or after it was connected to
    database = breakable.database()
    if connected:
        database.run(connection_id)
    with frozen(breakable):
        # When
        started = time.monotonic()
        with pytest.raises(DependencyUnavailable):
            database.run(connection_id)

        # Then after two waits at most: for the kept connection, and for a new one
        limit = connection_module.CONNECT_SECONDS * 2 + 2
        assert time.monotonic() - started < limit

    # And it is well again as soon as the server is
    assert eventually(lambda: database.run(connection_id))
    database.close()
    eventually(lambda: breakable.connections() == 0)


def test_a_full_server_is_away_and_nothing_leaks(breakable: MariaDbServer) -> None:
    # Given as many connections as it takes
    others = [breakable.database() for _ in range(FEWEST_CONNECTIONS)]
    for other in others:
        other.run(connection_id)
    late = breakable.database()

    # When, then
    with pytest.raises(DependencyUnavailable):
        late.run(connection_id)

    # And when there is room again
    others.pop().close()
    assert eventually(lambda: available(late))
    for database in (*others, late):
        database.close()
    eventually(lambda: breakable.connections() == 0)


def available(database: Database) -> bool:
    """Whether the database does something for us."""
    try:
        return database.run(connection_id) > 0
    except DependencyUnavailable:
        return False


def test_a_server_that_starts_anew_is_used_at_once(folder: Path) -> None:
    # Given an environment whose server ends, hard, and comes back
    port = free_port()
    with mariadb_server(folder, port=port) as server:
        database = server.database()
        database.run(connection_id)
    with pytest.raises(DependencyUnavailable):
        database.run(connection_id)
    with mariadb_server(folder, port=port):
        # When, then
        assert database.run(connection_id) > 0
        database.close()
