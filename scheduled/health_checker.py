"""Each minute: asks every part of the platform how it is, and keeps what they say."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from itemstream.config import from_environment
from itemstream.consumers.schedules import Scheduled, schedule_handler
from itemstream.dependencies import DependencyUnavailable
from itemstream.health.checking import CheckSettings, probes_from_environment
from itemstream.health.dynamodb import DynamoHealth
from itemstream.health.metrics import write_metrics
from itemstream.health.probes import measure
from itemstream.health.repository import record_within
from itemstream.items.model import timestamp
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count
from itemstream.realtime.event_loop import make_runner

# With the probes, which take ten at most, a check ends within thirteen seconds.
RECORD_SECONDS = 3.0

settings = from_environment(CheckSettings)
probes = probes_from_environment()
health = DynamoHealth.from_environment(read_timeout=1.5)
runner = make_runner()


@schedule_handler
def handler(_scheduled: Scheduled) -> dict[str, Any]:
    """Check; what cannot be kept is not tried again, as the next check is due in a minute."""
    at = timestamp(datetime.now(UTC))
    measurements = runner.run(measure(probes, failed))
    write_metrics(measurements)
    for one in measurements:
        if one.state != "up":
            logger.warning("not up", extra=asdict(one))
    document = {"checked_at": at, "parts": {one.part: asdict(one) for one in measurements}}
    try:
        lasting = settings.health_lasting_checks
        after = runner.run(record_within(RECORD_SECONDS, health, measurements, at, lasting=lasting))
    except DependencyUnavailable as unavailable:
        # The alarm that misses HealthChecks tells of it, and GET /health that it is old.
        logger.error("not recorded", extra={"dependency": unavailable.dependency})
        return {**document, "recorded": False}
    if after is not None:
        count("HealthChecks")
    return {**document, "recorded": after is not None}


def failed(parts: tuple[str, ...], error: Exception) -> None:
    """Log an error that no part is expected to make."""
    logger.error("probe failed", extra={"parts": list(parts), **error_fields(error)})
