"""Tables read by parallel scans, page by page and slowly enough to be noticed by nobody.

A scan's position is JSON: for each segment that is not done, where it goes on (DynamoDB Developer
Guide, "Parallel scan").
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.cleanup.expired_rows import Row, RowPage
from itemstream.cleanup.tasks import Removal
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_attribute_value, to_item
from itemstream.dynamodb.errors import condition_failed, dynamodb_errors, error_code
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.cleanup.pace import Pace

__all__ = ["DynamoRows"]

SEGMENTS = 4
PARALLEL_DELETES = 8
# Rows that a page looks at, in each segment.
PAGE_ROWS = 500
# After this long the rest of a page or part is left: a database that is silent costs each row nine
# seconds, and Lambda's time-out would end the whole run.
REMOVAL_SECONDS = 60.0
# A scan's first page goes on from here.
_BEGINNING: dict[str, Any] = {}


class DynamoRows:
    """
    A table whose rows end; see :class:`itemstream.cleanup.expired_rows.ScannedRows`.

    Parameters
    ----------
    client
        DynamoDB client.
    table
        Its name.
    keys
        Names of its key attributes.
    pace
        What reads and writes together may cost: capacity units a second.
    """

    def __init__(self, client: Any, table: str, keys: tuple[str, ...], pace: Pace) -> None:
        self._client = client
        self._table = table
        self._keys = keys
        self._pace = pace

    def page(self, position: str | None, *, ended_by: int, whole: bool = False) -> RowPage:
        """Scan a page of each segment that is not done, side by side."""
        starts = (
            {str(segment): _BEGINNING for segment in range(SEGMENTS)}
            if position is None
            else json.loads(position)
        )
        with ThreadPoolExecutor(SEGMENTS, thread_name_prefix="segments") as pool:
            pages = dict(
                zip(
                    starts,
                    pool.map(
                        lambda segment: self._scan(segment, starts[segment], ended_by, whole),
                        starts,
                    ),
                    strict=True,
                )
            )
        rows = [from_item(row) for found, _ in pages.values() for row in found]
        further = {segment: last for segment, (_, last) in pages.items() if last is not None}
        return RowPage(rows, json.dumps(further) if further else None)

    def remove_ended(self, rows: list[Row], *, by: int) -> Removal:
        """Delete rows by their keys, each on condition of its end."""
        condition = {
            "ConditionExpression": "#expires_at <= :by",
            "ExpressionAttributeNames": {"#expires_at": "expires_at"},
            "ExpressionAttributeValues": {":by": to_attribute_value(by)},
        }
        return self._remove(rows, lambda _: condition)

    def remove_unchanged(self, rows: list[Row]) -> Removal:
        """Delete rows, each on condition that all its attributes are as they were."""
        return self._remove(rows, self._unchanged)

    def _scan(
        self, segment: str, start: dict[str, Any], ended_by: int, whole: bool
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        names = {"#expires_at": "expires_at"}
        query: dict[str, Any] = {
            "TableName": self._table,
            "Segment": int(segment),
            "TotalSegments": SEGMENTS,
            "Limit": PAGE_ROWS,
            "FilterExpression": "#expires_at <= :ended_by",
            "ExpressionAttributeValues": {":ended_by": to_attribute_value(ended_by)},
            "ReturnConsumedCapacity": "TOTAL",
        }
        if not whole:
            names |= {f"#{key}": key for key in self._keys}
            query["ProjectionExpression"] = ", ".join(f"#{key}" for key in self._keys)
        if start:
            query["ExclusiveStartKey"] = start
        with dynamodb_errors():
            answer = self._client.scan(**query, ExpressionAttributeNames=names)
        self._pace.spend(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 1))
        return answer["Items"], answer.get("LastEvaluatedKey")

    def _unchanged(self, row: Row) -> dict[str, Any]:
        content = [(name, value) for name, value in row.items() if name not in self._keys]
        return {
            "ConditionExpression": " AND ".join(
                f"#a{number} = :v{number}" for number in range(len(content))
            ),
            "ExpressionAttributeNames": {
                f"#a{number}": name for number, (name, _) in enumerate(content)
            },
            "ExpressionAttributeValues": {
                f":v{number}": to_attribute_value(value)
                for number, (_, value) in enumerate(content)
            },
        }

    def _remove(self, rows: list[Row], condition: Callable[[Row], dict[str, Any]]) -> Removal:
        if not rows:
            return Removal()
        ends = time.monotonic() + REMOVAL_SECONDS

        def delete(row: Row) -> Removal:
            if time.monotonic() >= ends:
                return Removal(errors=1)
            return self._delete(row, condition(row))

        with ThreadPoolExecutor(PARALLEL_DELETES, thread_name_prefix="deletes") as pool:
            return sum(pool.map(delete, rows), Removal())

    def _delete(self, row: Row, condition: dict[str, Any]) -> Removal:
        key = to_item({name: row[name] for name in self._keys})
        try:
            with dynamodb_errors():
                answer = self._client.delete_item(
                    TableName=self._table, Key=key, ReturnConsumedCapacity="TOTAL", **condition
                )
        except ClientError as error:
            # A transaction writes the row at this moment: it is not over.
            if condition_failed(error) or error_code(error) == "TransactionConflictException":
                return Removal(kept=1)
            logger.error("row not removed", extra={"table": self._table, **error_fields(error)})
            return Removal(errors=1)
        except DependencyUnavailable as error:
            logger.warning("row not removed", extra={"table": self._table, **error_fields(error)})
            return Removal(errors=1)
        self._pace.spend(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 1))
        return Removal(removed=1)
