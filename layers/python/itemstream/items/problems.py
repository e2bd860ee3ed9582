"""What the errors of items and of conditional requests mean over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from itemstream.api.problems import Problem
from itemstream.items.model import ItemNotFound, VersionMismatch
from itemstream.observability.metrics import count

__all__ = ["item_problem"]


def item_problem(error: Exception) -> Problem | None:
    """Return the problem that an item's error is, or ``None`` for any other."""
    match error:
        case ItemNotFound():
            return Problem(HTTPStatus.NOT_FOUND, "There is no such item.", slug="item-not-found")
        case VersionMismatch():
            count("PreconditionsFailed")
            return Problem(
                HTTPStatus.PRECONDITION_FAILED,
                "The item has changed since. Read it again and decide anew.",
                slug="version-mismatch",
            )
        case _:
            return None
