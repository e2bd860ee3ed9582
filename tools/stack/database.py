"""The private MariaDB's owner, and the schema: what `make up` does once both are there."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from tools.dead_letters.accounts import local_account
from tools.migrating import migrate
from tools.project import Problem
from tools.stack.clients import client
from tools.stack.parts import mariadb_server
from tools.stack.record import outputs

if TYPE_CHECKING:
    from tools.stack.settings import Stack

__all__ = ["ensure_database"]

_OWNER = "itemstream_owner"
_PASSWORD_BYTES = 32
# Whatever was lost is made anew: the data, the secret, or neither.
_SET_UP = """
CREATE DATABASE IF NOT EXISTS itemstream;
CREATE USER IF NOT EXISTS {owner}@'%' IDENTIFIED BY '{password}';
ALTER USER {owner}@'%' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON itemstream.* TO {owner}@'%' WITH GRANT OPTION;
GRANT CREATE USER ON *.* TO {owner}@'%';
"""


def ensure_database(stack: Stack) -> str:
    """
    Make the database and its owner, then let the function `migrate` make the rest; say what it did.

    Raises
    ------
    Problem
        If the server or the function refuses.
    """
    password = _owner_password(stack, outputs(stack)["secrets"]["database_owner"]["name"])
    mariadb_server(stack).administer(_SET_UP.format(owner=_OWNER, password=password))
    return migrate(local_account(stack))


def _owner_password(stack: Stack, name: str) -> str:
    """Read the owner's password; make one if there is none, of characters that need no quoting."""
    secret = client(stack, "secretsmanager")
    kept = None
    with suppress(secret.exceptions.ResourceNotFoundException):
        # A stack that was made before its versions were as on AWS answers without a value.
        kept = secret.get_secret_value(SecretId=name).get("SecretString")
    if kept is None:
        made = secrets.token_urlsafe(_PASSWORD_BYTES)
        secret.put_secret_value(
            SecretId=name, SecretString=json.dumps({"username": _OWNER, "password": made})
        )
        return made
    password = str(json.loads(kept)["password"])
    if not password.replace("-", "").replace("_", "").isalnum():
        raise Problem(f"The secret {name} holds no password that `make up` has made. Delete it.")
    return password
