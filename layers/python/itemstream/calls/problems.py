"""What the errors of calls mean over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from itemstream.api.problems import Problem
from itemstream.calls.model import CallNotFound

__all__ = ["call_problem"]


def call_problem(error: Exception) -> Problem | None:
    """Return the problem that a call's error is, or ``None`` for any other."""
    if isinstance(error, CallNotFound):
        return Problem(HTTPStatus.NOT_FOUND, "There is no such call.", slug="call-not-found")
    return None
