"""REST handlers: a decorator from a function of a request to a Lambda handler."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from itemstream.api.problems import Problem
from itemstream.api.requests import Request
from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itemstream.auth import Principal

__all__ = ["Call", "Response", "public_rest_handler", "rest_handler"]

EXPOSED_HEADERS = (
    "ETag, Location, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, "
    "X-Correlation-Id"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A request and, on routes that ask for a scope, who makes it."""

    request: Request
    principal: Principal


@dataclass(frozen=True, slots=True)
class Response:
    """
    An answer.

    Parameters
    ----------
    status
        HTTP status code.
    document
        Body, as JSON values; ``None`` without a body.
    headers
        Headers beside the ones that every answer has.
    text
        Body that is not JSON, with its ``Content-Type`` among the headers.
    """

    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


def rest_handler(
    *,
    scope: str,
    parameters: Sequence[str] = (),
    problems: Sequence[Callable[[Exception], Problem | None]] = (),
    rate_limit: Callable[[str], dict[str, str]] | None = None,
) -> Callable[[Callable[[Call], Response]], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """
    Make a Lambda handler for the REST API of a function that answers calls.

    Parameters
    ----------
    scope
        What the caller's token must allow.
    parameters
        The query parameters that the call takes; others, and repeated ones, are refused.
    problems
        Each turns the errors of one domain into problems, and returns ``None`` for others.
    rate_limit
        Lets a tenant's call in and returns headers for its answer, or raises a problem; see
        :mod:`itemstream.rate_limits.http`. Calls that the scope does not allow are not counted.
    """

    def decorate(
        answer: Callable[[Call], Response],
    ) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        def respond(request: Request) -> Response:
            principal = request.principal()
            logger.append_keys(tenant=principal.tenant)
            if scope not in principal.scopes:
                raise Problem(HTTPStatus.FORBIDDEN, f"The token lacks the scope {scope}.")
            if rate_limit is not None:
                request.answer_headers.update(rate_limit(principal.tenant))
            return answer(Call(request, principal))

        return public_rest_handler(parameters=parameters, problems=problems)(respond)

    return decorate


def public_rest_handler(
    *,
    parameters: Sequence[str] = (),
    problems: Sequence[Callable[[Exception], Problem | None]] = (),
) -> Callable[[Callable[[Request], Response]], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """Make a Lambda handler for a route that needs no token; see :func:`rest_handler`."""

    def decorate(
        answer: Callable[[Request], Response],
    ) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        @wraps(answer)
        @observed
        def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
            request = Request(event)
            logger.set_correlation_id(request.correlation_id)
            try:
                request.query.allow(parameters)
                response = answer(request)
            except Exception as error:
                response = _problem_response(request, error, problems)
            logger.info("answered", extra={"route": request.route, "status": response.status})
            return _proxy_response(request, response)

        return handler

    return decorate


def _problem_response(
    request: Request,
    error: Exception,
    problems: Sequence[Callable[[Exception], Problem | None]],
) -> Response:
    problem = next((p for p in (to_problem(error) for to_problem in problems) if p), None)
    if problem is None:
        problem = _known_problem(error)
    if problem is None:
        logger.error("unexpected error", extra=error_fields(error))
        problem = Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. It was recorded."
        )
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        count("ServerErrors")
    return Response(
        problem.status,
        problem.document(f"urn:uuid:{request.id}"),
        {"Content-Type": "application/problem+json", **problem.headers},
    )


def _known_problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, DependencyUnavailable):
        logger.error("dependency unavailable", extra={"dependency": error.dependency})
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "A part of the platform does not answer. Try again soon.",
            headers={"Retry-After": str(error.retry_after)},
        )
    return None


def _proxy_response(request: Request, response: Response) -> dict[str, Any]:
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "X-Correlation-Id": request.correlation_id,
        **request.answer_headers,
        **response.headers,
    }
    if origin := os.environ.get("CORS_ORIGIN"):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if response.text is not None:
        body = response.text
    elif response.document is not None:
        body = json.dumps(response.document, separators=(",", ":"), ensure_ascii=False)
    else:
        body = ""
        del headers["Content-Type"]
    return {"statusCode": int(response.status), "headers": headers, "body": body}
