"""All tasks, on the tables, buckets and functions of this environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itemstream.aws import aws_client
from itemstream.cleanup.archive_s3 import S3Archive
from itemstream.cleanup.bronze import BronzeArchive
from itemstream.cleanup.expired_rows import ExpiredRows
from itemstream.cleanup.objects import AbandonedUploads, OrphanRenditions
from itemstream.cleanup.objects_s3 import S3Versions
from itemstream.cleanup.pace import Pace
from itemstream.cleanup.rows_dynamodb import DynamoRows
from itemstream.cleanup.versions import FunctionVersions
from itemstream.cleanup.versions_lambda import LambdaVersions
from itemstream.config import from_environment
from itemstream.images.dynamodb import DynamoUploads
from itemstream.items.dynamodb import DynamoItems

if TYPE_CHECKING:
    from itemstream.cleanup.tasks import Task

__all__ = ["CleanupSettings", "tasks_from_environment"]

# What the job may take of what clients have too: of a table's capacity, of S3's 3,500 changes a
# second and prefix, of the 15 calls a second that change something in Lambda.
CAPACITY_UNITS_PER_SECOND = 500
# Nobody reads bronze but by its stream, and what a day brings has to go in a day. On demand, a
# table bears 4,000 writes a second from its first day on (DynamoDB Developer Guide, "On-demand
# capacity mode").
BRONZE_UNITS_PER_SECOND = 4000
OBJECTS_PER_SECOND = 1000
LAMBDA_CALLS_PER_SECOND = 10


@dataclass(frozen=True)
class CleanupSettings:
    """
    Environment of the function that cleans up.

    Parameters
    ----------
    cleanup_functions
        Names of the environment's functions, separated by spaces.
    bronze_keep_days
        How long raw call records stay in bronze.
    """

    connections_table: str
    tickets_table: str
    idempotency_table: str
    image_uploads_table: str
    bronze_call_table: str
    uploads_bucket: str
    processed_bucket: str
    cleanup_functions: str
    bronze_keep_days: int


def tasks_from_environment() -> list[Task]:
    """Make the tasks that the function's environment variables describe, the quick ones first."""
    settings = from_environment(CleanupSettings)

    def rows(table: str, *keys: str, rate: float = CAPACITY_UNITS_PER_SECOND) -> DynamoRows:
        return DynamoRows(aws_client("dynamodb"), table, keys, Pace(rate))

    def objects(bucket: str) -> S3Versions:
        return S3Versions(aws_client("s3"), bucket, Pace(OBJECTS_PER_SECOND))

    versions = LambdaVersions(aws_client("lambda"), Pace(LAMBDA_CALLS_PER_SECOND))
    bronze = rows(settings.bronze_call_table, "pk", "sk", rate=BRONZE_UNITS_PER_SECOND)
    return [
        FunctionVersions(settings.cleanup_functions.split(), versions),
        ExpiredRows("tickets", rows(settings.tickets_table, "pk")),
        ExpiredRows("connections", rows(settings.connections_table, "pk", "sk")),
        ExpiredRows("idempotency", rows(settings.idempotency_table, "pk")),
        ExpiredRows("pending_uploads", rows(settings.image_uploads_table, "pk", "sk")),
        AbandonedUploads(objects(settings.uploads_bucket), DynamoUploads.from_environment()),
        OrphanRenditions(objects(settings.processed_bucket), DynamoItems.from_environment()),
        BronzeArchive(bronze, S3Archive.from_environment(), keep_days=settings.bronze_keep_days),
    ]
