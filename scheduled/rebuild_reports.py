"""The tables of reports, made anew: one step at each call, asked for by `itemstream reports`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from itemstream.config import from_environment
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.reports.projection_mysql import MySqlProjection
from itemstream.reports.rebuilding import Order, Rebuilding
from itemstream.reports.rebuilding_dynamodb import DynamoKeptRecords
from itemstream.reports.rebuilding_mysql import MySqlTables

# Short, so that whoever waits sees it move; what a step does last may take as long again.
STEP_SECONDS = 10.0


@dataclass(frozen=True)
class Settings:
    """Environment of this function."""

    canary_tenant: str


rebuilding = Rebuilding(
    DynamoKeptRecords.from_environment(),
    MySqlProjection.from_environment(),
    MySqlTables.from_environment(),
    from_environment(Settings).canary_tenant,
)


@observed
def handler(event: Any, context: Any) -> dict[str, Any]:
    """Do a step and answer where to go on; fail with the reason if that cannot be."""
    del context
    order = Order.read(event)
    until = time.monotonic() + STEP_SECONDS
    step = rebuilding.step(order, lambda: time.monotonic() < until)
    logger.info("step", extra={"task": order.task, "records": step.records})
    return step.document()
