"""Apply what is not applied yet of the numbered SQL files, in order and one process at a time.

MySQL commits each change of the schema by itself, so a file that was interrupted cannot be undone:
it runs again from its beginning. Each of its statements must therefore bear being repeated, for
example ``CREATE TABLE IF NOT EXISTS``. A test runs every file twice.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

__all__ = ["FOLDER", "Migration", "MigrationRefused", "apply_migrations", "read_migrations"]

FOLDER = Path(__file__).parent / "migrations"

LOCK = "itemstream_migrations"
LOCK_SECONDS = 30

_FILE = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
# Statements end with a line. In ours no text holds a semicolon there.
_END = re.compile(r";\s*$", re.MULTILINE)

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INT NOT NULL PRIMARY KEY,
  name VARCHAR(128) NOT NULL,
  sha256 CHAR(64) NOT NULL,
  applied_at DATETIME(3) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
"""


class MigrationRefused(Exception):  # noqa: N818
    """The files do not go on where the database is; the text says why, and nothing was changed."""


@dataclass(frozen=True)
class Migration:
    """
    One file.

    Parameters
    ----------
    number
        Its place; they begin at 1 and leave none out.
    name
        What it is about.
    sql
        Its statements, each ended by a semicolon at the end of a line.
    """

    number: int
    name: str
    sql: str

    @property
    def title(self) -> str:
        """Number and name, as its file is called."""
        return f"{self.number:04d}_{self.name}"

    @property
    def digest(self) -> str:
        """SHA-256 of the text, whichever line ends a checkout gave it."""
        return sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements without comments."""
        parts = _END.split(_COMMENT.sub("", self.sql))
        return [part.strip() for part in parts if part.strip()]


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """
    Read the files of a folder, in order.

    Raises
    ------
    MigrationRefused
        If a name is not ``NNNN_name.sql``, or the numbers are not 1, 2, 3 and so on.
    """
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        named = _FILE.fullmatch(path.name)
        if named is None:
            raise MigrationRefused(f"{path.name} is not named like 0001_what_it_does.sql")
        migrations.append(Migration(int(named["number"]), named["name"], path.read_text()))
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationRefused(f"migrations are not numbered 1, 2, 3 and so on: {numbers}")
    return migrations


def apply_migrations(connection: Connection[Cursor], migrations: list[Migration]) -> list[str]:
    """
    Apply what is not applied yet, and record it.

    Parameters
    ----------
    connection
        To the server itself, as a user that may change the schema: the lock that keeps others out
        belongs to the session.
    migrations
        All of them, in order.

    Returns
    -------
    The titles of those that were applied now.

    Raises
    ------
    MigrationRefused
        If one that was applied has changed or is missing, or another process is at it.
    """
    applied = []
    with _alone(connection), connection.cursor() as cursor:
        cursor.execute(_RECORD)
        done = _checked(cursor, migrations)
        for migration in migrations[done:]:
            for statement in migration.statements:
                cursor.execute(statement)
            cursor.execute(
                "INSERT INTO schema_migrations (number, name, sha256, applied_at)"
                " VALUES (%s, %s, %s, UTC_TIMESTAMP(3))",
                (migration.number, migration.name, migration.digest),
            )
            applied.append(migration.title)
    return applied


@contextmanager
def _alone(connection: Connection[Cursor]) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", (LOCK, LOCK_SECONDS))
        if cursor.fetchone() != (1,):
            raise MigrationRefused(
                f"another process has been changing the schema for {LOCK_SECONDS} s: try later"
            )
        try:
            yield
        finally:
            # A connection that is lost has given the lock back already.
            if connection.open:
                cursor.execute("SELECT RELEASE_LOCK(%s)", (LOCK,))


def _checked(cursor: Cursor, migrations: list[Migration]) -> int:
    """Return how many are applied already, having made sure that those are the first ones."""
    cursor.execute("SELECT number, name, sha256 FROM schema_migrations ORDER BY number")
    recorded = cursor.fetchall()
    for place, (number, name, digest) in enumerate(recorded):
        title = f"{number:04d}_{name}"
        if place >= len(migrations) or migrations[place].title != title:
            raise MigrationRefused(
                f"{title} was applied to this database and is missing here: is this older code?"
            )
        if migrations[place].digest != digest:
            raise MigrationRefused(
                f"{title} was changed after it was applied: bring it back, and write a new file"
            )
    return len(recorded)
