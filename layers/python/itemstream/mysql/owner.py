"""What the schema's owner does before anybody works: migrations, and the user of functions."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pymysql.err import OperationalError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.mysql.connection import Database, DatabaseSettings
from itemstream.mysql.errors import DENIED, error_number, mysql_errors
from itemstream.mysql.migrating import apply_migrations, read_migrations
from itemstream.mysql.passwords import FixedPassword

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

__all__ = ["Outcome", "OwnerSettings", "bring_up_to_date"]

# Less than the function that calls it has; more than a large table takes to change.
ANSWER_SECONDS = 840.0
_PASSWORD_BYTES = 32


@dataclass(frozen=True)
class OwnerSettings:
    """
    Environment of the functions that act as the schema's owner.

    Parameters
    ----------
    database_host, database_port, database_name
        The server itself, not a proxy: locks belong to a session.
    database_user, database_user_secret
        The user that functions are, and the ARN of its secret.
    database_owner, database_owner_secret
        Who owns the schema, and the ARN of the secret.
    database_tls_ca
        As in :class:`~itemstream.mysql.connection.DatabaseSettings`.
    """

    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_user_secret: str
    database_owner: str
    database_owner_secret: str
    database_tls_ca: str = ""

    def database(self, user: str, secret: str) -> DatabaseSettings:
        """Return how to log in as one of the two."""
        return DatabaseSettings(
            self.database_host,
            self.database_port,
            self.database_name,
            user,
            secret,
            self.database_tls_ca,
        )


@dataclass(frozen=True)
class Outcome:
    """
    What was done.

    Parameters
    ----------
    applied
        Titles of the migrations that were applied now.
    migrations
        How many the schema is made of.
    user
        ``made``, or ``kept`` where its password opens already.
    """

    applied: list[str]
    migrations: int
    user: str


def bring_up_to_date(settings: OwnerSettings | None = None) -> Outcome:
    """
    Apply what is missing of the schema and of its user; nothing if all is there.

    Raises
    ------
    MigrationRefused
        If the schema is not one that these migrations go on from.
    DependencyUnavailable
        If MySQL or Secrets Manager is away.
    """
    settings = settings or from_environment(OwnerSettings)
    migrations = read_migrations()
    owner = Database(
        settings.database(settings.database_owner, settings.database_owner_secret),
        answer_seconds=ANSWER_SECONDS,
    )
    with mysql_errors():
        connection = owner.connect()
        try:
            applied = apply_migrations(connection, migrations)
            made = _ensure_user(connection, settings)
        finally:
            connection.drop()
    return Outcome(applied, len(migrations), "made" if made else "kept")


def _ensure_user(connection: Connection[Cursor], settings: OwnerSettings) -> bool:
    user, password = settings.database_user, _ensured_password(settings)
    opens = _opens(settings, password)
    with connection.cursor() as cursor:
        if not opens:
            cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, password))
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password))
        # The name is Terraform's, and grants take no parameter for it.
        cursor.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{settings.database_name}`.* TO %s@'%%'",
            (user,),
        )
    return not opens


def _opens(settings: OwnerSettings, password: str) -> bool:
    user = Database(settings.database(settings.database_user, ""), password=FixedPassword(password))
    try:
        user.connect().drop()
    except OperationalError as error:
        # 1044: it exists and may not use the database yet.
        if error_number(error) not in {*DENIED, 1044}:
            raise
        return error_number(error) == 1044
    return True


def _ensured_password(settings: OwnerSettings) -> str:
    client = aws_client("secretsmanager")
    secret = settings.database_user_secret
    kept = None
    with suppress(client.exceptions.ResourceNotFoundException):
        # MiniStack answers without a value where AWS refuses.
        kept = client.get_secret_value(SecretId=secret).get("SecretString")
    if kept is None:
        made = secrets.token_urlsafe(_PASSWORD_BYTES)
        value = json.dumps({"username": settings.database_user, "password": made})
        client.put_secret_value(SecretId=secret, SecretString=value)
        return made
    return str(json.loads(kept)["password"])
