"""What a connection logs in with: a password from Secrets Manager, or a token made by IAM."""

from __future__ import annotations

import os
from typing import Protocol

__all__ = ["FixedPassword", "IamToken", "Password", "SecretPassword"]


class Password(Protocol):
    """Knows the password of one user."""

    def current(self, *, fresh: bool = False) -> str:
        """
        Return the password to log in with.

        Parameters
        ----------
        fresh
            Do not answer from memory: what was there has just been refused.
        """


class FixedPassword:
    """A password that never changes, for tests."""

    def __init__(self, password: str) -> None:
        self._password = password

    def current(self, *, fresh: bool = False) -> str:
        """Return it."""
        del fresh
        return self._password


class SecretPassword:
    """
    The password in a secret, ``{"username": …, "password": …}``; kept for five minutes.

    Parameters
    ----------
    secret
        Name or ARN.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def current(self, *, fresh: bool = False) -> str:
        """
        Read the secret, from memory unless it must be fresh.

        Raises
        ------
        DependencyUnavailable
            If Secrets Manager does not answer.
        """
        from itemstream.config.secrets import json_secret

        return str(json_secret(self._secret, fresh=fresh)["password"])


class IamToken:
    """
    A token that the function's role signs, good for 15 minutes and one connection.

    RDS User Guide, "IAM database authentication": the role needs ``rds-db:connect``, the connection
    needs TLS.
    """

    def __init__(self, host: str, port: int, user: str) -> None:
        self._host = host
        self._port = port
        self._user = user

    def current(self, *, fresh: bool = False) -> str:
        """Sign a token; nothing leaves the machine for it."""
        del fresh
        from itemstream.aws import aws_client

        token: str = aws_client("rds").generate_db_auth_token(
            self._host, self._port, self._user, os.environ["AWS_REGION"]
        )
        return token
