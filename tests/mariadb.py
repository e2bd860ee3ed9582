"""A real MariaDB of a test run's own, with the schema that MySQL has on AWS."""

from __future__ import annotations

import fcntl
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from itemstream.mysql.connection import Database, DatabaseSettings
from itemstream.mysql.migrating import apply_migrations, read_migrations
from itemstream.mysql.passwords import FixedPassword
from tools.dependencies.mariadb import MariaDb, find_mariadb
from tools.project import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

DEADLINE_SECONDS = 60
PASSWORD = "a password of tests"


@dataclass(frozen=True)
class MariaDbServer:
    """
    A running server.

    Parameters
    ----------
    process
        May be signalled; ends with the session.
    described
        Where it is, and how its administrator gets in.
    """

    process: subprocess.Popen[bytes]
    described: MariaDb

    @property
    def port(self) -> int:
        """Where it serves."""
        return self.described.port

    @property
    def settings(self) -> DatabaseSettings:
        """What functions would find in their environment."""
        return DatabaseSettings("127.0.0.1", self.port, "itemstream", "itemstream")

    def database(self, **changes: Any) -> Database:
        """Make what one execution environment has; close it."""
        return Database(self.settings, **{"password": FixedPassword(PASSWORD), **changes})

    @contextmanager
    def as_root(self, database: str | None = "itemstream") -> Iterator[Cursor]:
        """Lend a cursor of the server's administrator, who commits each statement."""
        with (
            _root(self.described, database) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def truncate(self) -> None:
        """Empty every table but the record of migrations."""
        with self.as_root() as cursor:
            for table in self._tables:
                # Faster than TRUNCATE where there are few rows, as in tests.
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608

    # Asked for each time: tests make tables of their own.
    @property
    def _tables(self) -> list[str]:
        with self.as_root() as cursor:
            cursor.execute("SHOW TABLES")
            return [name for (name,) in cursor.fetchall() if name != "schema_migrations"]

    def connections(self) -> int:
        """Count the connections of the user that functions are."""
        with self.as_root() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'itemstream'"
            )
            return int(cursor.fetchall()[0][0])


@contextmanager
def mariadb_server(
    folder: Path, *options: str, port: int | None = None, migrated: bool = True
) -> Iterator[MariaDbServer]:
    """
    Run a MariaDB, and kill it at the end.

    Parameters
    ----------
    folder
        Short, as it holds a socket; its data stays there, so that a second server can go on.
    options
        Of mariadbd, beside the usual ones.
    port
        To serve on; a free one by default.
    migrated
        Whether it gets database, user and schema.
    """
    if find_mariadb() is None:
        pytest.fail(
            "MariaDB is not installed: run `make up` once, or install it "
            "(apt-get install mariadb-server, brew install mariadb)"
        )
    described = MariaDb(folder, port or free_port(), folder.name)
    if not (folder / "data").exists():
        shutil.copytree(_empty_data(), folder / "data")
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            # Tests need not survive the machine's loss of power.
            [*described.command(), "--innodb-flush-log-at-trx-commit=0", *options],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = MariaDbServer(process, described)
    try:
        _wait_until_it_answers(server, log)
        if migrated:
            _migrate(server)
        yield server
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def mariadb_session() -> Iterator[MariaDbServer]:
    """Run one server for all tests of this process; what they leave in it, they share."""
    # Not tmp_path: a socket's path has room for about a hundred characters.
    with (
        tempfile.TemporaryDirectory(prefix="mariadb-") as folder,
        mariadb_server(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def mariadb(mariadb_session: MariaDbServer) -> Iterator[Database]:
    """Give what one execution environment has, on empty tables."""
    mariadb_session.truncate()
    database = mariadb_session.database()
    yield database
    database.close()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _empty_data() -> Path:
    """Make an empty server's data once for this machine: it takes seconds, copying it does not."""
    program = Path(find_mariadb() or "").stat()
    kept = LOCAL / f"mariadb-empty-{program.st_mtime_ns}"
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        # Other processes of this test run want it too.
        fcntl.flock(lock, fcntl.LOCK_EX)
        MariaDb(kept, 0, kept.name).command()
    return kept / "data"


def _wait_until_it_answers(server: MariaDbServer, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        # PyMySQL would leave a socket open each time that it cannot connect.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(server.described.socket)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"MariaDB does not start:\n{log.read_text(errors='replace')[-2000:]}")


def _migrate(server: MariaDbServer) -> None:
    with server.as_root(None) as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS itemstream")
        cursor.execute(f"CREATE USER IF NOT EXISTS itemstream IDENTIFIED BY '{PASSWORD}'")
        cursor.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON itemstream.* TO itemstream",
        )
    with _root(server.described, "itemstream") as connection:
        apply_migrations(connection, read_migrations())


def _root(server: MariaDb, database: str | None) -> Connection[Cursor]:
    return pymysql.connect(
        unix_socket=str(server.socket),
        user=server.administrator,
        database=database,
        autocommit=True,
        ssl_disabled=True,
    )
