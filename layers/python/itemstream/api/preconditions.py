"""The preconditions of a request: what its ``If-Match`` and ``If-None-Match`` headers ask."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from itemstream.api.etags import MalformedEntityTag, matches, versions_of
from itemstream.api.problems import Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Container

    from itemstream.api.requests import Request

__all__ = ["has_current", "required_versions"]

_REASON = 'must be * or 1 to 100 entity tags such as "3"'


def required_versions(request: Request) -> Container[int]:
    """
    Return the versions that ``If-Match`` names.

    Raises
    ------
    Problem
        428 without the header (RFC 6585, section 3), 400 when it is malformed.
    """
    header = request.header("if-match")
    if header is None:
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            "Say which version you have seen: send its ETag as If-Match.",
            slug="precondition-required",
        )
    try:
        return versions_of(header)
    except MalformedEntityTag:
        raise invalid({"field": "If-Match", "reason": _REASON}) from None


def has_current(request: Request, version: int) -> bool:
    """
    Whether ``If-None-Match`` says that the client has this version already.

    Raises
    ------
    Problem
        400 when the header is malformed.
    """
    header = request.header("if-none-match")
    try:
        return header is not None and matches(header, version)
    except MalformedEntityTag:
        raise invalid({"field": "If-None-Match", "reason": _REASON}) from None
