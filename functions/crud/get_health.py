"""GET /health: whether the parts that the REST API stands on answer; needs no token."""

from itemstream.api.requests import Request
from itemstream.api.rest import Response, public_rest_handler
from itemstream.cache.connection import CacheSettings, connect
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.model import ItemNotFound

items = DynamoItems.from_environment()
cache_settings = from_environment(CacheSettings)
cache = connect(cache_settings) if cache_settings.redis_url else None


@public_rest_handler()
def handler(_request: Request) -> Response:
    """Ask each part; without DynamoDB the API is down, without Redis it is slower."""
    parts = {"dynamodb": dynamodb(), "redis": redis()}
    healthy = parts["dynamodb"] == "up"
    status = "up" if set(parts.values()) <= {"up", "off"} else "degraded" if healthy else "down"
    return Response(200 if healthy else 503, {"status": status, "parts": parts})


def dynamodb() -> str:
    """Read an item that nobody has."""
    try:
        items.get("health", "00000000-0000-0000-0000-000000000000")
    except ItemNotFound:
        return "up"
    except DependencyUnavailable:
        return "down"
    return "up"


def redis() -> str:
    """Ping the cache, where there is one."""
    if cache is None:
        return "off"
    from redis import RedisError

    try:
        cache.ping()
    except RedisError:
        return "down"
    return "up"
