"""What a deleted item leaves behind: its uploads, their files and all renditions."""

from concurrent.futures import ThreadPoolExecutor

from itemstream.consumers.streams import stream_handler
from itemstream.dynamodb.streams import StreamRecord
from itemstream.images.dynamodb import DynamoUploads
from itemstream.images.model import UploadKey, renditions_prefix
from itemstream.images.s3 import S3Originals, S3Renditions
from itemstream.observability.metrics import count

uploads = DynamoUploads.from_environment()
originals = S3Originals.from_environment()
renditions = S3Renditions.from_environment()

PARALLEL_ITEMS = 8


@stream_handler
def handler(records: list[StreamRecord]) -> None:
    """Remove it item by item, some side by side; removing twice does no harm."""
    removed = [record for record in records if record.kind == "REMOVE"]
    with ThreadPoolExecutor(PARALLEL_ITEMS, thread_name_prefix="items") as pool:
        list(pool.map(remove, removed))
    count("ItemsCleared", len(removed))


def remove(record: StreamRecord) -> None:
    """Remove what one item leaves."""
    # The partition key is <tenant>#<shard>, and a tenant's name has no # in it.
    tenant, item_id = record.keys["pk"].partition("#")[0], record.keys["sk"]
    originals.remove_below(UploadKey.prefix(tenant, item_id))
    renditions.remove_below(renditions_prefix(tenant, item_id))
    uploads.remove_all(tenant, item_id)
