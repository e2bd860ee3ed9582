"""Calls in DynamoDB, as the API reads them; for the table see ``silver_dynamodb``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.calls.model import CALL_FIELDS, CallNotFound
from itemstream.calls.repository import CallFilter, CallPage
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item
from itemstream.dynamodb.errors import dynamodb_errors
from itemstream.items.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DynamoCalls", "DynamoCallsSettings"]

# BatchGetItem takes 100 keys a call (DynamoDB API reference).
BATCH_KEYS = 100
# What one page may cost before it is returned short, with a cursor to go on.
PAGE_READS = 8
PAGE_QUERIES = 32


@dataclass(frozen=True)
class DynamoCallsSettings:
    """Environment of the functions that read calls."""

    silver_call_table: str


@dataclass
class _Reading:
    """
    How far an index was read, newest first.

    Parameters
    ----------
    position
        Below this no partition was looked at yet.
    exhausted
        Whether there is nothing below.
    """

    position: str
    exhausted: bool = False


class DynamoCalls:
    """Calls on DynamoDB; see :class:`itemstream.calls.repository.CallRepository`."""

    def __init__(self, client: Any, settings: DynamoCallsSettings) -> None:
        self._client = client
        self._table = settings.silver_call_table

    @classmethod
    def from_environment(cls) -> DynamoCalls:
        """Make the repository that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(DynamoCallsSettings))

    def get(self, tenant: str, call_id: str) -> dict[str, Any]:
        """Read one call, consistently, by its key."""
        with dynamodb_errors():
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": f"{tenant}#{call_id}"}}, ConsistentRead=True
            )
        if "Item" not in answer:
            raise CallNotFound(call_id)
        return _document(answer["Item"])

    def page(
        self, tenant: str, wanted: CallFilter, *, limit: int, before: str | None = None
    ) -> CallPage:
        """Read keys from an index and the calls themselves from the table."""
        state = _Reading(before or timestamp(wanted.end))
        rows = self._rows(tenant, wanted, limit, state)
        calls: list[dict[str, Any]] = []
        last_read: str | None = None
        for attempt in range(PAGE_READS):
            # Most often all that the index finds is wanted; if not, the next read looks further.
            few = attempt == 0 and wanted.statuses is None
            keys = list(islice(rows, min(limit + 1, BATCH_KEYS) if few else BATCH_KEYS))
            if not keys:
                break
            found = self._batch_get([key["pk"] for key in keys])
            for key in keys:
                last_read = key["occurred_key"]["S"]
                row = found.get(key["pk"]["S"])
                if row is None or not wanted.admits(row):
                    continue
                if len(calls) == limit:
                    return CallPage(calls, _position(calls[-1]))
                calls.append(row)
        else:
            return CallPage(calls, last_read)
        if state.exhausted:
            return CallPage(calls, None)
        # A partition that was begun is read on within.
        return CallPage(calls, min(state.position, last_read or state.position))

    def _rows(
        self, tenant: str, wanted: CallFilter, limit: int, state: _Reading
    ) -> Iterator[dict[str, Any]]:
        """Query one partition after another, and say where it stopped."""
        size = BATCH_KEYS if wanted.statuses is not None else limit + 2
        queries = 0
        for index, attribute, partition, lowest in _partitions(tenant, wanted, state.position):
            start: dict[str, Any] = {}
            while True:
                if queries == PAGE_QUERIES:
                    return
                queries += 1
                with dynamodb_errors():
                    answer = self._client.query(
                        TableName=self._table,
                        IndexName=index,
                        KeyConditionExpression=(
                            f"{attribute} = :partition AND occurred_key BETWEEN :from AND :before"
                        ),
                        ExpressionAttributeValues={
                            ":partition": {"S": partition},
                            ":from": {"S": lowest},
                            ":before": {"S": state.position},
                        },
                        ScanIndexForward=False,
                        Limit=size,
                        **start,
                    )
                for row in answer["Items"]:
                    # BETWEEN takes its bounds in; a position is what the last page ended with.
                    if row["occurred_key"]["S"] != state.position:
                        yield row
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            # Nothing is at this very moment: keys go on with # and an id.
            state.position = lowest
        state.exhausted = True

    def _batch_get(self, keys: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        wanted = [{"pk": key} for key in keys]
        found: dict[str, dict[str, Any]] = {}
        for _ in range(5):
            with dynamodb_errors():
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}}
                )
            for row in answer["Responses"].get(self._table, []):
                found[row["pk"]["S"]] = _document(row)
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not wanted:
                return found
        raise DependencyUnavailable("DynamoDB")


def _partitions(
    tenant: str, wanted: CallFilter, before: str
) -> Iterator[tuple[str, str, str, str]]:
    """Return index, attribute, partition and lowest position of each partition, newest first."""
    start = timestamp(wanted.start)
    if wanted.client_id is not None:
        yield "by_client", "client_key", f"{tenant}#{wanted.client_id}", start
        return
    day = wanted.end
    while day.date() >= wanted.start.date():
        midnight = f"{day.date().isoformat()}T00:00:00.000Z"
        if midnight < before:
            yield "by_day", "day_key", f"{tenant}#{day.date().isoformat()}", max(midnight, start)
        day -= timedelta(days=1)


def _document(row: dict[str, Any]) -> dict[str, Any]:
    stored = from_item(row)
    return {name: stored.get(name) for name in CALL_FIELDS}


def _position(document: dict[str, Any]) -> str:
    return f"{document['occurred_at']}#{document['call_id']}"
