"""Authentication and authorisation: tokens, the keys that verify them, principals, scopes.

Errors
------
::

    AuthError
    ├── TokenRefused        the token is not acceptable; the caller is nobody
    └── KeysUnavailable     no verification keys could be had so far; nobody can be judged
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AuthError", "KeysUnavailable", "Principal", "TokenRefused"]


class AuthError(Exception):
    """A caller cannot be told."""


class TokenRefused(AuthError):  # noqa: N818
    """The token is not acceptable. The message says why, for logs only, and holds no part of it."""


class KeysUnavailable(AuthError):  # noqa: N818
    """No verification keys could be had so far."""


@dataclass(frozen=True, slots=True)
class Principal:
    """
    Who calls.

    Parameters
    ----------
    tenant
        The tenant whose data the caller may touch.
    subject
        The caller within the tenant.
    scopes
        What the caller may do, such as ``items:read``.
    """

    tenant: str
    subject: str
    scopes: frozenset[str]
