"""GET /health: how the last check found the platform; needs no token."""

from datetime import UTC, datetime

from itemstream.api.requests import Request
from itemstream.api.rest import Response, public_rest_handler
from itemstream.dependencies import DependencyUnavailable
from itemstream.health.answers import health_document, unreadable_document
from itemstream.health.dynamodb import DynamoHealth
from itemstream.observability.logs import logger

health = DynamoHealth.from_environment()


@public_rest_handler()
def handler(_request: Request) -> Response:
    """Read one row: 200 while the API can do its work, 503 when it cannot or nobody knows."""
    now = datetime.now(UTC)
    try:
        document = health_document(health.latest(), now)
    except DependencyUnavailable as unavailable:
        logger.error("dependency unavailable", extra={"dependency": unavailable.dependency})
        document = unreadable_document(now)
    return Response(200 if document["status"] in ("up", "degraded") else 503, document)
