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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    expires_at
        When the caller's token ends, in seconds since the epoch.
    """

    tenant: str
    subject: str
    scopes: frozenset[str]
    expires_at: int

    def context(self) -> dict[str, str]:
        """Return what an authorizer hands on: texts, as every gateway keeps those as they are."""
        return {
            "tenant": self.tenant,
            "subject": self.subject,
            "scopes": " ".join(sorted(self.scopes)),
            "expires_at": str(self.expires_at),
        }

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Principal | None:
        """
        Return who calls by an authorizer's context, or ``None`` if no authorizer has spoken.

        One whose token's end is not said counts as expired.
        """
        if not context.get("tenant") or not context.get("subject"):
            return None
        return cls(
            str(context["tenant"]),
            str(context["subject"]),
            frozenset(str(context.get("scopes", "")).split()),
            int(context.get("expires_at") or 0),
        )
