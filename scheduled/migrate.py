"""The schema of MySQL, brought up to date by whoever deploys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from itemstream.mysql.migrating import MigrationRefused
from itemstream.mysql.owner import bring_up_to_date
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """Apply what is missing, and answer what that was; fail with the reason if it must not be."""
    del event, context
    try:
        outcome = asdict(bring_up_to_date())
    except MigrationRefused as refused:
        logger.error("migration refused", extra={"reason": str(refused)})
        raise
    logger.info("schema is up to date", extra=outcome)
    return outcome
