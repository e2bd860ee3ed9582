"""The records that a stream's dead letter points to, fetched from the stream again.

Source: Lambda Developer Guide, "Retaining discarded batch records" (the pointer), and DynamoDB
Streams API reference (the rest). A stream keeps its records for 24 hours.
"""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account

__all__ = ["Pointer", "RecordsTrimmed", "fetch_records", "read_pointer"]

_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"}
# A shard that is open answers empty pages where nothing was written; so many in a row mean its end.
_EMPTY_PAGES = 50


class RecordsTrimmed(Exception):  # noqa: N818
    """The stream no longer has all the records."""


@dataclass(frozen=True)
class Pointer:
    """Where the records of a failed batch are, both ends included."""

    stream_arn: str
    shard: str
    first: str
    last: str
    arrived_from: dt.datetime
    arrived_to: dt.datetime
    records: int

    @property
    def table(self) -> str:
        """Name of the table whose stream it is."""
        return self.stream_arn.split("/")[1]


def read_pointer(payload: dict[str, Any]) -> Pointer:
    """Read what Lambda keeps of a failed batch."""
    batch = payload["DDBStreamBatchInfo"]
    return Pointer(
        stream_arn=batch["streamArn"],
        shard=batch["shardId"],
        first=batch["startSequenceNumber"],
        last=batch["endSequenceNumber"],
        arrived_from=_time(batch["approximateArrivalOfFirstRecord"]),
        arrived_to=_time(batch["approximateArrivalOfLastRecord"]),
        records=int(batch["batchSize"]),
    )


def fetch_records(account: Account, pointer: Pointer) -> list[dict[str, Any]]:
    """
    Return the records from the first to the last in their order, as Lambda gives them to functions.

    All records of the shard between the two: where a mapping handles several batches of a shard at
    once, records that did not fail are among them.

    Raises
    ------
    RecordsTrimmed
        If one of them is gone from the stream.
    """
    streams = account.client("dynamodbstreams")
    found: list[dict[str, Any]] = []
    empty = 0
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=pointer.stream_arn,
            ShardId=pointer.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=pointer.first,
        )["ShardIterator"]
        while iterator and empty < _EMPTY_PAGES:
            page = streams.get_records(ShardIterator=iterator, Limit=1000)
            empty = 0 if page["Records"] else empty + 1
            for record in page["Records"]:
                number = int(record["dynamodb"]["SequenceNumber"])
                if number > int(pointer.last):
                    return _complete(found, pointer)
                found.append(_as_lambda_gives_it(record, pointer.stream_arn))
                if number == int(pointer.last):
                    return _complete(found, pointer)
            iterator = page.get("NextShardIterator")
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            raise RecordsTrimmed from error
        raise
    return _complete(found, pointer)


def _complete(found: list[dict[str, Any]], pointer: Pointer) -> list[dict[str, Any]]:
    numbers = {record["dynamodb"]["SequenceNumber"] for record in found}
    if not {pointer.first, pointer.last} <= numbers:
        raise RecordsTrimmed
    return found


def _as_lambda_gives_it(record: dict[str, Any], stream_arn: str) -> dict[str, Any]:
    change: dict[str, Any] = {}
    for name, value in record["dynamodb"].items():
        match value:
            case dt.datetime():
                change[name] = value.timestamp()
            case dict():
                change[name] = {key: encoded(inner) for key, inner in value.items()}
            case _:
                change[name] = value
    given = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record.get("eventVersion", "1.1"),
        "eventSource": record.get("eventSource", "aws:dynamodb"),
        "awsRegion": record.get("awsRegion", stream_arn.split(":")[3]),
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    if identity := record.get("userIdentity"):
        # The API writes PrincipalId and Type, an event principalId and type.
        given["userIdentity"] = {
            "principalId": identity.get("PrincipalId"),
            "type": identity.get("Type"),
        }
    return given


def encoded(value: Any) -> Any:
    """Return an attribute value as JSON has it: binary values in Base64."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: encoded(inner) for name, inner in value.items()}
        case list() | set():
            return [encoded(inner) for inner in value]
        case _:
            return value


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
