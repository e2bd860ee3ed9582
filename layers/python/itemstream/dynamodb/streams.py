"""Records of a DynamoDB stream, as Lambda hands them to a function.

Source of the format: DynamoDB Streams API reference, data types ``Record`` and ``StreamRecord``,
and Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from itemstream.dynamodb.attribute_values import from_item

__all__ = ["MalformedRecord", "StreamRecord", "read_stream_record"]

Kind = Literal["INSERT", "MODIFY", "REMOVE"]

# Who deletes what has outlived its TTL attribute.
_EXPIRY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class MalformedRecord(ValueError):  # noqa: N818
    """A record that is not what DynamoDB documents, or holds values that nothing here writes."""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """
    One change of one row.

    Parameters
    ----------
    event_id
        DynamoDB's id of the record; a repeat carries the same.
    kind
        What happened to the row.
    sequence_number
        The record's place in its shard.
    created_at
        When the row changed, to the second.
    keys, old, new
        The row's key, and the row before and after, as JSON values; ``None`` where there was none.
    table
        Name of the table.
    expired
        Whether the row was deleted because its time to live had passed.
    raw
        The record as it came.
    """

    event_id: str
    kind: Kind
    sequence_number: str
    created_at: datetime
    keys: dict[str, Any]
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    table: str
    expired: bool
    raw: dict[str, Any] = field(repr=False)


def read_stream_record(raw: dict[str, Any]) -> StreamRecord:
    """
    Read a record of a function's event.

    Raises
    ------
    MalformedRecord
        If a part is missing or is not what DynamoDB documents.
    """
    try:
        change = raw["dynamodb"]
        kind = raw["eventName"]
        old, new = change.get("OldImage"), change.get("NewImage")
        if kind not in ("INSERT", "MODIFY", "REMOVE"):
            raise MalformedRecord(f"{kind!r} is no kind of change")
        if (new is None) != (kind == "REMOVE"):
            raise MalformedRecord(f"the new image does not fit {kind}")
        return StreamRecord(
            event_id=str(raw["eventID"]),
            kind=cast("Kind", kind),
            sequence_number=str(change["SequenceNumber"]),
            created_at=datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC),
            keys=from_item(change["Keys"]),
            old=None if old is None else from_item(old),
            new=None if new is None else from_item(new),
            # arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<label>
            table=str(raw["eventSourceARN"]).split("/")[1],
            expired=(raw.get("userIdentity") or {}) == _EXPIRY,
            raw=raw,
        )
    except MalformedRecord:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise MalformedRecord(f"not a stream record: {type(error).__name__} {error}") from error
