"""A request as the REST API hands it to a function (Lambda proxy integration, format 1.0).

Only the gateway's authorizer says who calls; nothing a client sends is trusted for that.
"""

from __future__ import annotations

import base64
import binascii
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from itemstream.api.problems import FieldError, Problem, invalid
from itemstream.auth import Principal

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Query", "Request"]

MAX_ID_LENGTH = 36
_CORRELATION_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Request:
    """
    One request.

    Parameters
    ----------
    event
        The event of a Lambda proxy integration.

    Attributes
    ----------
    answer_headers
        Headers of its answer, whatever that is: a problem too.
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self._event = event
        self._context: dict[str, Any] = event.get("requestContext") or {}
        # HTTP field names have no case (RFC 9110, section 5.1).
        self._headers = {
            name.lower(): value for name, value in (event.get("headers") or {}).items()
        }
        self.query = Query(event.get("multiValueQueryStringParameters") or {})
        self.answer_headers: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The gateway's id of the request."""
        return str(self._context.get("requestId", ""))

    @property
    def route(self) -> str:
        """Method and path template, such as ``GET /items/{id}``."""
        return f"{self._event.get('httpMethod')} {self._event.get('resource')}"

    @property
    def correlation_id(self) -> str:
        """The caller's ``X-Correlation-Id`` if it is usable, else the request's id."""
        given = self.header("x-correlation-id") or ""
        return given if _CORRELATION_ID.fullmatch(given) else self.id

    def header(self, name: str) -> str | None:
        """Return a header's value, whatever the case of its name."""
        return self._headers.get(name.lower())

    def principal(self) -> Principal:
        """
        Return who calls, as the authorizer says.

        Raises
        ------
        Problem
            401 when no authorizer has spoken: the route is not protected as it should be.
        """
        principal = Principal.from_context(self._context.get("authorizer") or {})
        if principal is None:
            raise Problem(HTTPStatus.UNAUTHORIZED, "This call needs a bearer token.")
        return principal

    def path_text(self, name: str) -> str:
        """Return a path parameter."""
        return str((self._event.get("pathParameters") or {}).get(name, ""))

    def path_id(self, name: str) -> str:
        """
        Return a path parameter that is an id.

        Raises
        ------
        Problem
            400 when it is not a UUID in lower case with hyphens.
        """
        value = self.path_text(name)
        try:
            if len(value) == MAX_ID_LENGTH and str(UUID(value)) == value:
                return value
        except ValueError:
            pass
        raise invalid({"field": name, "reason": "must be a UUID in lower case with hyphens"})

    def body(self) -> bytes:
        """
        Return the body's bytes.

        Raises
        ------
        Problem
            400 when the gateway's encoding of it cannot be undone.
        """
        body = self._event.get("body") or ""
        try:
            if self._event.get("isBase64Encoded"):
                return base64.b64decode(body, validate=True)
            return str(body).encode()
        except (binascii.Error, UnicodeEncodeError) as error:
            raise invalid({"field": "body", "reason": "is not UTF-8 text"}) from error


class Query:
    """
    The query parameters of a request.

    Parameters
    ----------
    values
        All values of each parameter.
    """

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def allow(self, names: Collection[str]) -> None:
        """
        Refuse parameters with other names, and parameters given twice.

        Raises
        ------
        Problem
            400 that names each.
        """
        errors: list[FieldError] = [
            {"field": name, "reason": "is not a parameter of this call"}
            for name in self._values
            if name not in names
        ]
        errors += [
            {"field": name, "reason": "is given more than once"}
            for name, values in self._values.items()
            if len(values) > 1
        ]
        if errors:
            raise invalid(*errors)

    def text(self, name: str, *, longest: int) -> str | None:
        """
        Return a parameter of 1 to ``longest`` characters, or ``None`` without it.

        Raises
        ------
        Problem
            400 when it is empty or too long.
        """
        value = self._value(name)
        if value is not None and not 1 <= len(value) <= longest:
            raise invalid({"field": name, "reason": f"must have 1 to {longest} characters"})
        return value

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """
        Return a parameter that is one of some words, or ``None`` without it.

        Raises
        ------
        Problem
            400 when it is another word.
        """
        value = self._value(name)
        if value is not None and value not in choices:
            raise invalid({"field": name, "reason": f"must be one of {', '.join(choices)}"})
        return value

    def integer(self, name: str, *, default: int, lowest: int, highest: int) -> int:
        """
        Return a whole number within bounds, or the default without it.

        Raises
        ------
        Problem
            400 when it is not a number or out of bounds.
        """
        value = self._value(name)
        if value is None:
            return default
        # Not int() alone, which takes "1_0", " 10 " and digits of other scripts.
        if re.fullmatch(r"[0-9]{1,9}", value) and lowest <= int(value) <= highest:
            return int(value)
        raise invalid({"field": name, "reason": f"must be a number from {lowest} to {highest}"})

    def _value(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None
