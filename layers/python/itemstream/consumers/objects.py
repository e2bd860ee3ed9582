"""Consumers of S3 notifications: an object was created, and Lambda was called asynchronously.

Source of the format: S3 User Guide, "Event message structure".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from itemstream.dead_letters import DeadLetter, Refused
from itemstream.dead_letters.sqs import dead_letters
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ObjectCreated", "object_handler"]


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """
    An object that was put into a bucket.

    Parameters
    ----------
    bucket, key
        Where it is; the key as it was given, not as the notification encodes it.
    version_id
        Its version; ``None`` in a bucket without versions.
    size
        Bytes.
    etag
        S3's entity tag, without quotes.
    created_at
        When, in ISO 8601.
    """

    bucket: str
    key: str
    version_id: str | None
    size: int
    etag: str
    created_at: str


def object_handler(
    consume: Callable[[ObjectCreated], None],
) -> Callable[[dict[str, Any], Any], None]:
    """
    Make a Lambda handler of a function of one created object.

    The function raises :class:`itemstream.dead_letters.Refused` for an object that can never be
    processed: it becomes a dead letter with its reason. For any other error Lambda tries again,
    twice, and then keeps the event on the function's dead-letter queue.
    """

    @wraps(consume)
    @observed
    def handler(event: dict[str, Any], _context: Any) -> None:
        # S3's test message, sent when a notification is set up, has none.
        for record in event.get("Records", []):
            try:
                created = _read(record)
                consume(created)
            except Refused as refused:
                _give_up(record, refused.reason)
            else:
                logger.info("consumed", extra={"bucket": created.bucket, "bytes": created.size})

    return handler


def _give_up(record: Any, reason: str) -> None:
    try:
        source = str(record["s3"]["bucket"]["arn"])
    except (KeyError, TypeError):
        source = ""
    # An event with this record alone, so that it can be given to the function again as it is.
    dead_letters().send(DeadLetter("event", reason, source, {"Records": [record]}))


def _read(record: Any) -> ObjectCreated:
    try:
        s3 = record["s3"]
        return ObjectCreated(
            bucket=str(s3["bucket"]["name"]),
            key=unquote_plus(s3["object"]["key"], errors="strict"),
            version_id=s3["object"].get("versionId") or None,
            size=int(s3["object"].get("size", 0)),
            etag=str(s3["object"].get("eTag", "")).strip('"'),
            created_at=str(record["eventTime"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"not a notification of S3: {type(error).__name__} {error}") from error
