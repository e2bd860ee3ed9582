"""Problem documents (RFC 9457): the one shape of every error over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

__all__ = ["FieldError", "Problem", "invalid"]

FieldError = dict[str, str]


class Problem(Exception):  # noqa: N818
    """
    An answer that says what is wrong with a request.

    Parameters
    ----------
    status
        HTTP status code.
    detail
        What is wrong this time, for the person who reads it.
    slug
        Kind of problem, as the last part of ``type`` (``urn:itemstream:problem:<slug>``); without
        one the status code says it all.
    errors
        ``{"field", "reason"}`` for each thing that is wrong.
    headers
        Headers of the answer, such as ``Retry-After``.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        slug: str | None = None,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.slug = slug
        self.errors = errors or []
        self.headers = headers or {}

    def document(self, instance: str) -> dict[str, Any]:
        """Return the problem document; ``instance`` is a URI of this occurrence."""
        document: dict[str, Any] = {
            "type": f"urn:itemstream:problem:{self.slug}" if self.slug else "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            document["errors"] = self.errors
        return document


def invalid(*errors: FieldError) -> Problem:
    """Make the 400 answer for these fields."""
    named = ", ".join(sorted({error["field"] for error in errors}))
    return Problem(
        HTTPStatus.BAD_REQUEST,
        f"The request is not valid: {named}.",
        slug="invalid-request",
        errors=list(errors),
    )
