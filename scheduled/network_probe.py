"""For the health checker, inside the network: how Redis and MySQL are."""

from typing import Any

from itemstream.cache.connection import CacheSettings
from itemstream.config import from_environment
from itemstream.health.probes import measure
from itemstream.health.probes_network import mysql_probe, redis_probe, written
from itemstream.mysql.connection import DatabaseSettings
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.realtime.event_loop import make_runner

cache = from_environment(CacheSettings)
probes = [
    # An environment may do without a cache.
    *([redis_probe(cache)] if cache.redis_url else []),
    mysql_probe(from_environment(DatabaseSettings)),
]
runner = make_runner()


@observed
def handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Ask both at once."""
    return written(runner.run(measure(probes, failed)))


def failed(parts: tuple[str, ...], error: Exception) -> None:
    """Log an error that no part is expected to make."""
    logger.error("probe failed", extra={"parts": list(parts), **error_fields(error)})
