"""Idempotency keys over HTTP: the ``Idempotency-Key`` header and its problems.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from itemstream.api.problems import Problem, invalid
from itemstream.idempotency import IdempotencyKey, KeyInFlight, KeyReused

if TYPE_CHECKING:
    from itemstream.api.rest import Call

__all__ = ["idempotency_key", "idempotency_problem"]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(call: Call, document: Any) -> IdempotencyKey | None:
    """
    Return the key of a call with this body, or ``None`` when it has none.

    Raises
    ------
    Problem
        400 when the key is malformed.
    """
    key = call.request.header("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        reason = "must have 1 to 255 visible ASCII characters"
        raise invalid({"field": "Idempotency-Key", "reason": reason})
    return IdempotencyKey(
        call.principal.tenant, call.principal.subject, call.request.route, key, document
    )


def idempotency_problem(error: Exception) -> Problem | None:
    """Return the problem that an idempotency error is, or ``None`` for any other."""
    match error:
        case KeyReused():
            return Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "This Idempotency-Key was used with another request. Use a new one.",
                slug="idempotency-key-reused",
            )
        case KeyInFlight():
            return Problem(
                HTTPStatus.CONFLICT,
                "A request with this Idempotency-Key is being answered. Try again in a moment.",
                slug="idempotency-key-in-flight",
                headers={"Retry-After": "1"},
            )
        case _:
            return None
