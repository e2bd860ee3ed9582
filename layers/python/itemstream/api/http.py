"""HTTP API handlers: the REST API's, for events of payload format 2.0.

Requests, answers and problems are the same for both APIs; only the envelope differs. Source of the
format: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from itemstream.api.rest import rest_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itemstream.api.problems import Problem
    from itemstream.api.rest import Call, Response

__all__ = ["http_handler"]


def http_handler(
    *,
    scope: str,
    parameters: Sequence[str] = (),
    problems: Sequence[Callable[[Exception], Problem | None]] = (),
) -> Callable[[Callable[[Call], Response]], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """Make a Lambda handler for the HTTP API; see :func:`itemstream.api.rest.rest_handler`."""

    def decorate(
        answer: Callable[[Call], Response],
    ) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        handle = rest_handler(scope=scope, parameters=parameters, problems=problems)(answer)

        @wraps(answer)
        def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
            return handle(_as_format_1(event), context)

        return handler

    return decorate


def _as_format_1(event: dict[str, Any]) -> dict[str, Any]:
    method, _, resource = str(event.get("routeKey", "")).partition(" ")
    context = event.get("requestContext") or {}
    query = event.get("rawQueryString") or ""
    return {
        "httpMethod": method,
        "resource": resource,
        "headers": event.get("headers"),
        # Not queryStringParameters, which join repeated parameters with the comma that a value
        # may hold as well.
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True),
        "pathParameters": event.get("pathParameters"),
        "requestContext": {
            "requestId": context.get("requestId", ""),
            "authorizer": (context.get("authorizer") or {}).get("lambda"),
        },
        "body": event.get("body"),
        "isBase64Encoded": event.get("isBase64Encoded", False),
    }
