"""Stream of the table `reports`: what is asked for is made."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from itemstream.consumers.streams import BatchInterrupted, refuse, stream_handler
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.streams import StreamRecord
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count, duration
from itemstream.reports.dynamodb import DynamoReports, request_of
from itemstream.reports.figures_mysql import MySqlWeeks
from itemstream.reports.generation import Generation
from itemstream.reports.model import OutOfTime
from itemstream.reports.pages import Pages
from itemstream.reports.s3 import S3ReportFiles

reports = DynamoReports.from_environment()
generation = Generation(
    weeks=MySqlWeeks.from_environment(),
    reports=reports,
    files=S3ReportFiles.from_environment(),
    page=Pages(Path(__file__).with_name("report_templates")).render,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Make each report; one that cannot be made, or not in time, fails alone, and says so."""

    @stream_handler
    def generate_each(records: list[StreamRecord]) -> None:
        for record in records:
            try:
                generate(record, lambda: context.get_remaining_time_in_millis() / 1000)
            except DependencyUnavailable as unavailable:
                raise BatchInterrupted(record, str(unavailable)) from unavailable

    return generate_each(event, context)


def generate(record: StreamRecord, remaining_seconds: Callable[[], float]) -> None:
    """Make the report that a row asks for."""
    started = time.perf_counter()
    try:
        request = request_of(record.new or {})
    except (KeyError, TypeError, ValueError) as error:
        refuse(record, f"the row is not one of reports: {type(error).__name__} {error}")
        return
    logger.append_keys(tenant=request.tenant, week=str(request.week))
    try:
        made = generation.generate(request, remaining_seconds=remaining_seconds)
    except DependencyUnavailable:
        raise
    except Exception as error:
        logger.error("report failed", extra=error_fields(error))
        # The dead letter first: without it nobody could make the report from where it was.
        refuse(record, f"the report cannot be made: {type(error).__name__} {error}")
        ours = "Something went wrong on our side. It was recorded."
        reports.fail(request, str(error) if isinstance(error, OutOfTime) else ours)
        count("ReportsFailed")
        return
    if made:
        count("ReportsReady")
        duration("ReportGeneration", (time.perf_counter() - started) * 1000)
