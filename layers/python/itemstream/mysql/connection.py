"""One connection to MySQL for each execution environment, and transactions on it.

What it promises, and how:

- *A stale connection is never noticed.* It is kept from one invocation to the next. ``BEGIN`` tells
  whether it still lives, with nothing lost if not: then it is made anew, once.
- *Outages are short for us.* Connecting and beginning may take 2 s, an answer 8 s; what a server
  says when it cannot serve becomes :class:`~itemstream.dependencies.DependencyUnavailable`. Locks
  are waited for 4 s (the server's setting, not a session's), so that the server gives up first.
- *Nothing is left behind*: a connection in doubt is closed, not kept.
- *Nothing that pins* a connection of RDS Proxy to us (RDS User Guide, "Avoiding pinning"): no
  ``SET``, no temporary tables, no locks by name. Statements of more than 16 KB do, too: that is for
  whoever writes them.
"""

from __future__ import annotations

import random
import ssl
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pymysql.cursors import SSCursor
from pymysql.err import Error, OperationalError

from itemstream.config import from_environment
from itemstream.mysql.driver import DriverConnection
from itemstream.mysql.errors import CONFLICTS, DENIED, error_number, is_lost, mysql_errors
from itemstream.mysql.passwords import IamToken, Password, SecretPassword
from itemstream.observability.metrics import count
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pymysql.cursors import Cursor

__all__ = ["Database", "DatabaseSettings", "Snapshot"]

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 8.0
# Old connections are made anew, so that none stays with a server that is being replaced.
LONGEST_AGE_SECONDS = 900.0

ATTEMPTS = 5
# No further attempt is begun after this long: functions have to answer. Less than an answer may
# take, so that whoever was silent is not asked again.
ATTEMPTS_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class DatabaseSettings:
    """
    Environment of the functions that use MySQL.

    Parameters
    ----------
    database_host, database_port, database_name, database_user
        Where to, and who.
    database_secret
        Name or ARN of the secret that holds the password; empty: log in by IAM.
    database_tls_ca
        File of the certificates to verify the server by, where it is not absolute one of this
        package; empty: no TLS.
    """

    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_secret: str = ""
    database_tls_ca: str = ""


class Database:
    """
    MySQL, as one execution environment sees it. Not for several threads at once.

    Parameters
    ----------
    settings
        Where it is.
    password
        What to log in with; by default what the settings say.
    answer_seconds
        The longest silence in which an answer is waited for.
    clock, pause
        Monotonic seconds; waits for some.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        password: Password | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._password = password or _password(settings)
        self._answer_seconds = answer_seconds
        self._clock = clock
        self._pause = pause
        self._tls: ssl.SSLContext | None = None
        self._kept: DriverConnection | None = None
        self._made_at = 0.0

    @classmethod
    def from_environment(cls, *, answer_seconds: float = ANSWER_SECONDS) -> Database:
        """Make the one that the function's environment variables describe; it connects later."""
        return cls(from_environment(DatabaseSettings), answer_seconds=answer_seconds)

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """
        Run statements in one transaction, tried once; an exception rolls them back.

        Raises
        ------
        DependencyUnavailable
            If MySQL is away, or another transaction was in the way.
        """
        with mysql_errors(), subsegment("MySQL", namespace="remote"), self._transaction() as cursor:
            yield cursor

    def run(self, work: Callable[[Cursor], Result]) -> Result:
        """
        Run work in a transaction, again after deadlocks and lost connections.

        Parameters
        ----------
        work
            Has the same effect once or twice: when a connection is lost with the answer to
            ``COMMIT``, nobody knows whether it happened.

        Returns
        -------
        What the work returned.

        Raises
        ------
        DependencyUnavailable
            If MySQL is away, or others were in the way each time.
        """
        with mysql_errors(), subsegment("MySQL", namespace="remote"):
            no_more_after = self._clock() + ATTEMPTS_SECONDS
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    with self._transaction() as cursor:
                        return work(cursor)
                except Error as error:
                    passing = error_number(error) in CONFLICTS or is_lost(error)
                    if not passing or attempt == ATTEMPTS or self._clock() > no_more_after:
                        raise
                count("DatabaseRetries")
                longest = min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
                self._pause(random.uniform(0, longest))  # noqa: S311 (spread, not secrecy)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """
        Read any number of rows as they are now, on a connection of its own, closed afterwards.

        Raises
        ------
        DependencyUnavailable
            If MySQL is away, or goes away meanwhile.
        """
        with mysql_errors():
            connection = self.connect()
            try:
                connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
                yield Snapshot(connection)
            finally:
                connection.drop()

    def rows(
        self, sql: str, arguments: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """
        Read rows one after another without holding them all; see :meth:`snapshot`.

        Raises
        ------
        DependencyUnavailable
            If MySQL is away, or goes away meanwhile.
        """
        with self.snapshot() as snapshot:
            yield from snapshot.rows(sql, arguments)

    def connect(self) -> DriverConnection:
        """
        Make a further connection, the caller's to close.

        Raises
        ------
        pymysql.err.Error
            If there is none to be had.
        """
        try:
            return self._connection(self._password.current())
        except OperationalError as error:
            if error_number(error) not in DENIED:
                raise
        # It may have been rotated since it was read.
        return self._connection(self._password.current(fresh=True))

    def close(self) -> None:
        """Close the kept connection; the next use makes another."""
        if self._kept is not None:
            self._kept.drop()
            self._kept = None

    @contextmanager
    def _transaction(self) -> Iterator[Cursor]:
        # What makes no connection is no reason to try again: that would take as long.
        with mysql_errors():
            connection = self._begun()
        try:
            with connection.cursor() as cursor:
                yield cursor
            connection.commit()
        except BaseException as error:
            self._leave(connection, error)
            raise

    def _begun(self) -> DriverConnection:
        if self._kept is not None and self._clock() - self._made_at > LONGEST_AGE_SECONDS:
            self.close()
        if self._kept is not None:
            try:
                self._kept.begin()
            except Error:
                self.close()
            else:
                return self._kept
        self._kept = self.connect()
        self._made_at = self._clock()
        try:
            self._kept.begin()
        except Error:
            self.close()
            raise
        return self._kept

    def _leave(self, connection: DriverConnection, error: BaseException) -> None:
        """Undo a transaction; whatever may have come in the middle of an answer closes it."""
        sound = isinstance(error, Exception) and not (isinstance(error, Error) and is_lost(error))
        if sound and connection.open:
            try:
                connection.rollback()
            except Error:
                sound = False
        if not sound or not connection.open:
            self.close()

    def _connection(self, password: str) -> DriverConnection:
        settings = self._settings
        if settings.database_tls_ca and self._tls is None:
            # An absolute path stays as it is.
            authorities = Path(__file__).parent / settings.database_tls_ca
            self._tls = ssl.create_default_context(cafile=authorities)
            # From 3.13 on Python also judges how a chain is written (RFC 5280). Who signed it and
            # for which name is checked all the same, and nobody promises the rest for RDS.
            self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return DriverConnection(
            host=settings.database_host,
            port=settings.database_port,
            user=settings.database_user,
            password=password,
            database=settings.database_name,
            tls=self._tls,
            connect_seconds=CONNECT_SECONDS,
            answer_seconds=self._answer_seconds,
        )


class Snapshot:
    """
    The database as it was at one moment, for reading.

    Parameters
    ----------
    connection
        In its transaction.
    """

    def __init__(self, connection: DriverConnection) -> None:
        self._connection = connection

    def rows(
        self, sql: str, arguments: Sequence[Any] | Mapping[str, Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """
        Read rows one after another; those of one statement end before the next begins.

        Raises
        ------
        DependencyUnavailable
            If MySQL goes away meanwhile.
        """
        with mysql_errors(), closing(_Unread(self._connection)) as cursor:
            cursor.execute(sql, arguments)
            while (row := cursor.fetchone()) is not None:
                yield row


class _Unread(SSCursor):
    """A cursor that closes its connection rather than reading rows that nobody wants."""

    def close(self) -> None:
        connection = self.connection
        result: Any = getattr(self, "_result", None)
        if connection is not None and result is not None and result.unbuffered_active:
            connection.drop()  # type: ignore[attr-defined]
        super().close()


def _password(settings: DatabaseSettings) -> Password:
    if settings.database_secret:
        return SecretPassword(settings.database_secret)
    return IamToken(settings.database_host, settings.database_port, settings.database_user)
