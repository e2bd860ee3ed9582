"""Events as Lambda hands them over: records of streams, messages of queues, created objects."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import quote_plus

from itemstream.dynamodb.attribute_values import to_item

ACCOUNT = "arn:aws:{}:us-east-1:123456789012:{}"
_sequence = count(1)


def stream_record(
    table: str,
    new: dict[str, Any] | None,
    old: dict[str, Any] | None = None,
    *,
    keys: tuple[str, ...] = ("pk", "sk"),
    created_at: float = 1795250000.0,
    expired: bool = False,
) -> dict[str, Any]:
    """Make a record of the change of a row from `old` to `new`; both JSON values."""
    row = new if new is not None else old
    assert row is not None, "a change has a row before or after it"
    number = f"{next(_sequence):021d}"
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": created_at,
        "Keys": to_item({name: row[name] for name in keys if name in row}),
        "SequenceNumber": number,
        "SizeBytes": 100,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if new is not None:
        change["NewImage"] = to_item(new)
    if old is not None:
        change["OldImage"] = to_item(old)
    record = {
        "eventID": f"{int(number):032x}",
        "eventName": "REMOVE" if new is None else "INSERT" if old is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change,
        "eventSourceARN": ACCOUNT.format("dynamodb", f"table/{table}/stream/2026-11-21T00:00:00"),
    }
    if expired:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record


def queue_message(
    body: str, *, queue: str = "notifications", receives: int = 1, **attributes: str
) -> dict[str, Any]:
    """Make a message as the SQS mapping hands it over."""
    number = next(_sequence)
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012d}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": "1795250000000",
            "SenderId": "sender",
            "ApproximateFirstReceiveTimestamp": "1795250000001",
        },
        "messageAttributes": {
            name: {"dataType": "String", "stringValue": value, "stringListValues": []}
            for name, value in attributes.items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": ACCOUNT.format("sqs", queue),
        "awsRegion": "us-east-1",
    }


def object_created(
    bucket: str, key: str, *, size: int = 1, version_id: str | None = "v1", etag: str = "e"
) -> dict[str, Any]:
    """Make a record of an S3 notification, its key encoded as S3 does."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-21T06:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": quote_plus(key, safe="/"),
                "size": size,
                "eTag": etag,
                "sequencer": "0055AED6DCD90281E5",
                **({"versionId": version_id} if version_id else {}),
            },
        },
    }
