"""Idempotency keys: one answer for each, however often a request arrives.

The first answer is stored in the same DynamoDB transaction as what the request writes. There is no
"in progress" record that a crash could leave behind: before the transaction nothing has happened,
after it the answer is there to be replayed.

Errors
------
::

    IdempotencyError
    ├── KeyReused       the key came before with another request
    └── KeyInFlight     another request with this key is being answered right now
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "IdempotencyError", "IdempotencyKey", "KeyInFlight", "KeyReused"]


class IdempotencyError(Exception):
    """A request with an idempotency key cannot be answered as it stands."""


class KeyReused(IdempotencyError):  # noqa: N818
    """The key came before with another request."""


class KeyInFlight(IdempotencyError):  # noqa: N818
    """Another request with this key is being answered right now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to a request, as it is stored and replayed.

    Parameters
    ----------
    status
        HTTP status code.
    headers
        Headers that belong to the answer, such as ``ETag``.
    document
        Body, as JSON values.
    """

    status: int
    headers: dict[str, str]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """
    A client's key, bound to who sent it, where to, and what.

    Parameters
    ----------
    tenant, subject
        The caller, from the verified token.
    route
        Method and path template, such as ``POST /items``.
    key
        The value of the ``Idempotency-Key`` header.
    request
        The request's body, as JSON values.
    """

    tenant: str
    subject: str
    route: str
    key: str
    request: Any

    @property
    def digest(self) -> str:
        """Identify the key itself: the same for every request that carries it."""
        return _sha256([self.tenant, self.subject, self.route, self.key])

    @property
    def fingerprint(self) -> str:
        """Identify the request, whatever its spacing and the order of its fields."""
        return _sha256(self.request)


def _sha256(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
