"""Bronze in DynamoDB: raw records by file and line, and how far each file came.

The table: ``pk`` is ``<tenant>#<file id>#<line modulo 16>``, ``sk`` the line with ten digits, so a
file is spread over 16 partitions and read back in order from each. A row holds nothing of when or
by whom it was written: written again it is the same, and a put that changes nothing makes no record
in the stream. How far a file came is the row ``<tenant>#<file id>``, ``progress``. All of them end
90 days after the file landed, at ``expires_at``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.calls.ingestion import Progress
from itemstream.calls.model import RawCall, kept_until
from itemstream.config import from_environment
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.batch_writes import put_all
from itemstream.dynamodb.errors import dynamodb_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.calls.model import CallFile

__all__ = ["BronzeSettings", "DynamoBronze", "is_raw_call", "raw_call"]

PARTITIONS = 16
PARALLEL_CALLS = 8


@dataclass(frozen=True)
class BronzeSettings:
    """Environment of the functions that write raw records."""

    bronze_call_table: str


class DynamoBronze:
    """Bronze on DynamoDB; see :class:`itemstream.calls.ingestion.Bronze`."""

    def __init__(self, client: Any, settings: BronzeSettings) -> None:
        self._client = client
        self._table = settings.bronze_call_table

    @classmethod
    def from_environment(cls) -> DynamoBronze:
        """Make the one that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(BronzeSettings))

    def progress(self, file: CallFile) -> Progress:
        """Read it, consistently."""
        with dynamodb_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=_progress_key(file), ConsistentRead=True
            )
        if "Item" not in answer:
            return Progress()
        row = from_item(answer["Item"])
        return Progress(row["progress"]["line"], row["progress"]["complete"])

    def advance(self, file: CallFile, progress: Progress) -> None:
        """Write it; of two who read one file at once, either may be the last."""
        row = {"tenant": file.tenant, **_of_file(file)}
        kept = {"line": progress.line, "complete": progress.complete}
        with dynamodb_errors():
            self._client.put_item(
                TableName=self._table,
                Item={**_progress_key(file), **to_item({**row, "progress": kept})},
            )

    def put(self, file: CallFile, records: Iterable[RawCall]) -> int:
        """Write 25 in a call, several calls at once."""
        of_file = to_item(_of_file(file))
        rows = ({**_row(record), **of_file} for record in records)
        _, calls = put_all(self._client, self._table, rows, parallel=PARALLEL_CALLS)
        return calls


def is_raw_call(row: dict[str, Any]) -> bool:
    """Whether a row of the table is a raw record, and not how far a file came."""
    return "raw" in row


def raw_call(row: dict[str, Any]) -> RawCall:
    """Read a row of the table, decoded to JSON values."""
    return RawCall(
        tenant=row["tenant"],
        file_id=row["object"]["id"],
        line=row["line"],
        raw=row["raw"],
        ingested_at=row["ingested_at"],
        fault=row.get("fault"),
    )


def _row(record: RawCall) -> dict[str, Any]:
    partition = f"{record.tenant}#{record.file_id}#{record.line % PARTITIONS}"
    # Written out, not by way of to_item, because there are so many.
    row: dict[str, Any] = {
        "pk": {"S": partition},
        "sk": {"S": f"{record.line:010d}"},
        "tenant": {"S": record.tenant},
        "line": {"N": str(record.line)},
        "raw": {"S": record.raw},
        "ingested_at": {"S": record.ingested_at},
    }
    if record.fault is not None:
        row["fault"] = {"S": record.fault}
    return row


def _of_file(file: CallFile) -> dict[str, Any]:
    """Return what all rows of a file have."""
    return {
        "object": {
            "id": file.id,
            "bucket": file.bucket,
            "key": file.key,
            "version": file.version,
        },
        "expires_at": kept_until(file.landed_at),
    }


def _progress_key(file: CallFile) -> dict[str, Any]:
    return {"pk": {"S": f"{file.tenant}#{file.id}"}, "sk": {"S": "progress"}}
