"""PyMySQL's connection, made to wait for as long as we say and to send nothing of its own."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pymysql.charset import charset_by_name
from pymysql.connections import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

    from pymysql.cursors import Cursor

    _Connection = Connection[Cursor]
else:
    # Its cursors' type is known to type checkers only.
    _Connection = Connection

__all__ = ["DriverConnection"]


class DriverConnection(_Connection):
    """
    A connection that leaves no state in its session, as RDS Proxy would pin it to its client.

    Parameters
    ----------
    host, port, user, password, database
        Where to, and who.
    tls
        What to verify the server by; None: no TLS.
    connect_seconds
        The longest that TCP, each answer of the handshake and ``BEGIN`` may take.
    answer_seconds
        The longest silence in which other answers are waited for.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        database: str,
        tls: SSLContext | None,
        connect_seconds: float,
        answer_seconds: float,
    ) -> None:
        super().__init__(
            host=host,
            port=port,
            user=user,
            password=password,
            database=database,
            charset="utf8mb4",
            # Every server begins with autocommit on, so nothing is sent for it.
            autocommit=True,
            # Without a context PyMySQL would ask for TLS and verify nothing.
            ssl=tls,
            ssl_disabled=tls is None,
            connect_timeout=connect_seconds,
            read_timeout=connect_seconds,
            write_timeout=answer_seconds,
            program_name="itemstream",
            defer_connect=True,
        )
        self._read_timeout: float = connect_seconds
        self._connect_seconds = connect_seconds
        # A server that takes the connection and then says nothing is given up as quickly as one
        # that takes none.
        self.connect()
        self._read_timeout = answer_seconds

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Send no ``SET NAMES``: the handshake has said it."""
        self.charset = charset
        self.encoding = charset_by_name(charset).encoding
        self.collation = collation

    def begin(self) -> None:
        """Begin a transaction; a server that is well does it at once."""
        with self._quickly():
            super().begin()

    @contextmanager
    def _quickly(self) -> Iterator[None]:
        usual = self._read_timeout
        self._read_timeout = self._connect_seconds
        try:
            yield
        finally:
            self._read_timeout = usual

    def drop(self) -> None:
        """Close at once, reading nothing of what is still to come."""
        result: Any = getattr(self, "_result", None)
        if result is not None:
            result.unbuffered_active = False
        with suppress(Exception):
            self.close()
