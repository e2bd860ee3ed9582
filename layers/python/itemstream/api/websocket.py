"""WebSocket API handlers: of ``$connect`` and ``$disconnect``, which answer with a status alone."""

from __future__ import annotations

from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["status_handler"]


def status_handler(
    answer: Callable[[dict[str, Any]], HTTPStatus],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Make a Lambda handler of a function from a request's context to the status it is answered."""

    @wraps(answer)
    @observed
    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        context = event["requestContext"]
        try:
            # A frame may name any route as its action.
            is_frame = context.get("eventType") == "MESSAGE"
            status = HTTPStatus.BAD_REQUEST if is_frame else answer(context)
        except DependencyUnavailable as error:
            logger.error("dependency unavailable", extra={"dependency": error.dependency})
            status = HTTPStatus.SERVICE_UNAVAILABLE
        except Exception as error:
            logger.error("unexpected error", extra=error_fields(error))
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            count("ServerErrors")
        logger.info("answered", extra={"route": context.get("routeKey"), "status": int(status)})
        return {"statusCode": int(status)}

    return handler
