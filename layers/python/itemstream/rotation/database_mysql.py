"""Rotation of a MySQL user's password: the new one and the one in use are both good."""

from __future__ import annotations

import json
import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from pymysql.err import Error

from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.mysql.connection import Database
from itemstream.mysql.errors import DENIED, error_number
from itemstream.mysql.owner import OwnerSettings
from itemstream.mysql.passwords import FixedPassword
from itemstream.rotation import RotationRefused

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DatabasePassword"]

PASSWORD_BYTES = 32


class DatabasePassword:
    """
    A secret ``{"username": …, "password": …}``, and what else it may hold.

    MySQL keeps a second password for each user (Reference Manual, "Dual Password Support"), MariaDB
    takes several ways to log in (Knowledge Base, ``ALTER USER``). The first of two rotations leaves
    readers what they know; the second makes them read the secret again.

    Parameters
    ----------
    user
        Makes the database as a user sees it, with a password.
    owner
        The database as the user sees it who may alter others.
    """

    def __init__(self, user: Callable[[str, str], Database], owner: Database) -> None:
        self._user = user
        self._owner = owner

    @classmethod
    def from_environment(cls) -> DatabasePassword:
        """Make the one that the function's environment variables describe."""
        settings = from_environment(OwnerSettings)
        owner = settings.database(settings.database_owner, settings.database_owner_secret)
        return cls(
            lambda user, password: Database(
                settings.database(user, ""), password=FixedPassword(password)
            ),
            Database(owner),
        )

    def make(self, current: str | None) -> str:
        """Return the secret with a new password."""
        made = secrets.token_urlsafe(PASSWORD_BYTES)
        return json.dumps({**_read(current), "password": made})

    def set(self, pending: str, current: str | None) -> None:
        """Let the user log in with either password."""
        user, new = _credentials(pending)
        _, old = _credentials(current)
        if new == old or self._lets_in(pending):
            return
        with closing(self._owner), self._owner.transaction() as cursor:
            cursor.execute("SELECT VERSION()")
            [(version,)] = cursor.fetchall()
            if "MariaDB" in version:
                cursor.execute(
                    "ALTER USER %s@'%%' IDENTIFIED VIA mysql_native_password USING PASSWORD(%s)"
                    " OR mysql_native_password USING PASSWORD(%s)",
                    (user, new, old),
                )
            else:
                # A rotation that was given up has left another first password, and it is the first
                # that is retained.
                cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, old))
                cursor.execute(
                    "ALTER USER %s@'%%' IDENTIFIED BY %s RETAIN CURRENT PASSWORD", (user, new)
                )

    def test(self, pending: str) -> None:
        """
        Log in with the new password and ask for something.

        Raises
        ------
        DependencyUnavailable
            If MySQL is away, or does not let the user in.
        """
        with (
            closing(self._user(*_credentials(pending))) as database,
            database.transaction() as cursor,
        ):
            cursor.execute("SELECT 1")

    def _lets_in(self, value: str) -> bool:
        try:
            self.test(value)
        except DependencyUnavailable as unavailable:
            cause = unavailable.__cause__
            if isinstance(cause, Error) and error_number(cause) in DENIED:
                return False
            raise
        return True


def _read(value: str | None) -> dict[str, str]:
    if value is None:
        raise RotationRefused("the secret has no value yet: the database's users are made first")
    read: dict[str, str] = json.loads(value)
    return read


def _credentials(value: str | None) -> tuple[str, str]:
    read = _read(value)
    return read["username"], read["password"]
