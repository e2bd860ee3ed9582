"""An uploaded picture becomes an image of its item, or a reason why it cannot."""

import time

from itemstream.consumers.objects import ObjectCreated, object_handler
from itemstream.images.dynamodb import DynamoUploads
from itemstream.images.processing import Outcome, Processing
from itemstream.images.s3 import S3Originals, S3Renditions
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.redis_cache import cached
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count, duration

table = DynamoItems.from_environment()
processing = Processing(
    items=cached(table),
    table=table,
    uploads=DynamoUploads.from_environment(),
    originals=S3Originals.from_environment(),
    renditions=S3Renditions.from_environment(),
)
COUNTED = {
    Outcome.READY: "ImagesReady",
    Outcome.FAILED: "ImagesFailed",
    Outcome.REMOVED: "ImagesRemoved",
}


@object_handler
def handler(created: ObjectCreated) -> None:
    """Process it, and say what became of it."""
    started = time.perf_counter()
    processed = processing.process(created.key, created.version_id, created.size)
    if processed.outcome in COUNTED:
        count(COUNTED[processed.outcome])
        duration("ImageProcessing", (time.perf_counter() - started) * 1000)
    key = processed.key
    # Not the file's own key: one that is not ours may say anything.
    logger.append_keys(tenant=key.tenant, item=key.item_id, image=key.image_id)
    logger.info("processed", extra={"outcome": processed.outcome.value, "reason": processed.reason})
