"""Call files in the landing bucket: every line to bronze, once for each version of a file."""

import time
from typing import Any

from itemstream.aws import aws_client
from itemstream.calls.bronze_dynamodb import DynamoBronze
from itemstream.calls.files import UnreadableFile
from itemstream.calls.ingestion import ingest
from itemstream.calls.landing_s3 import LandedObject
from itemstream.calls.model import CallFile, tenant_of_key
from itemstream.consumers.objects import ObjectCreated, object_handler
from itemstream.dead_letters import Refused
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

# What a chunk may take, and the answer after it.
MARGIN_SECONDS = 15

bronze = DynamoBronze.from_environment()
s3 = aws_client("s3")
stop_at = float("inf")


@object_handler
def consume(created: ObjectCreated) -> None:
    """Read the file as a stream; what is done already is passed over."""
    tenant = tenant_of_key(created.key)
    if tenant is None:
        raise Refused("the key names no tenant: it must be calls/<tenant>/<any name>")
    landed = LandedObject(s3, created.bucket, created.key, created.etag, created.version_id)
    try:
        landed_at = landed.landed_at()
        file = CallFile(tenant, created.bucket, created.key, landed.version, landed_at)
        logger.append_keys(tenant=tenant, file_id=file.id)
        done = ingest(file, landed.chunks(), bronze, out_of_time=lambda: time.monotonic() > stop_at)
    except UnreadableFile as unreadable:
        raise Refused(f"no record can be read: {unreadable}") from unreadable
    count("CallLinesIngested", done.lines)
    logger.info("ingested", extra={"lines": done.lines, "calls": done.calls})


def handler(event: dict[str, Any], context: Any) -> None:
    """Consume, and stop in good time: called again, it goes on where it stopped."""
    global stop_at
    left = context.get_remaining_time_in_millis() / 1000
    stop_at = time.monotonic() + left - MARGIN_SECONDS
    consume(event, context)
