"""Rows of the table ``connections``: their keys, and changes on conditions.

====================================== ================= ==========================================
``pk``                                 ``sk``            what
====================================== ================= ==========================================
``connection#<id>``                    ``connection``    a connection
``topic#<tenant>#<topic>#<shard>``     ``<id>``          its subscription to a topic
``topics#<tenant>``                    ``<topic>``       a topic that may have subscribers
``delivery#<tenant>#<topic>#<shard>``  ``delivery``      how far a shard of a large topic was sent
====================================== ================= ==========================================

No tenant and no topic holds a ``#``.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import to_item
from itemstream.dynamodb.errors import (
    cancellation_codes,
    condition_failed,
    dynamodb_errors,
    error_code,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "ConnectionsTable",
    "Row",
    "connection_key",
    "delivery_key",
    "shards_of_topic",
    "subscription_key",
    "topic_key",
]

Row = dict[str, Any]

ATTEMPTS = 12
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25
# DynamoDB API reference, BatchWriteItem and BatchGetItem.
DELETES_PER_BATCH = 25
KEYS_PER_BATCH = 100
# DynamoDB API reference, TransactWriteItems, "CancellationReasons".
PASSING_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

# Of rows that were written before they said so.
SHARDS_OF_OLDER_TOPICS = 8

_PLACEHOLDER = re.compile(r"#(\w+)")


@dataclass(frozen=True)
class ConnectionsTableSettings:
    """Environment of the functions that use the table of connections."""

    connections_table: str


class ConnectionsTable:
    """
    The table of connections.

    In expressions, ``#name`` stands for the attribute ``name``, and ``:name`` for the value that is
    given by this name.

    Parameters
    ----------
    client
        DynamoDB client.
    name
        Name of the table.
    pause
        Waits for some seconds.
    """

    def __init__(
        self, client: Any, name: str, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self.name = name
        self._pause = pause

    @classmethod
    def from_environment(cls) -> ConnectionsTable:
        """Make the table that the function's environment variables describe."""
        settings = from_environment(ConnectionsTableSettings)
        return cls(aws_client("dynamodb"), settings.connections_table)

    def get(self, key: Row) -> Row | None:
        """Read a row, consistently."""
        with dynamodb_errors():
            answer = self._client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        row: Row | None = answer.get("Item")
        return row

    def get_all(self, keys: list[Row]) -> list[Row]:
        """Read those of some rows, all different, that are there, consistently."""
        found: list[Row] = []
        for start in range(0, len(keys), KEYS_PER_BATCH):
            waiting = keys[start : start + KEYS_PER_BATCH]
            for attempt in range(ATTEMPTS):
                with dynamodb_errors():
                    answer = self._client.batch_get_item(
                        RequestItems={self.name: {"Keys": waiting, "ConsistentRead": True}}
                    )
                found += answer["Responses"].get(self.name, [])
                waiting = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if not waiting:
                    break
                self._wait(attempt)
            else:
                raise DependencyUnavailable("DynamoDB")
        return found

    def query(
        self, pk: str, start: str | None, attributes: Iterable[str], *, limit: int
    ) -> tuple[list[Row], str | None]:
        """Read some rows of a partition, consistently; return where to go on too, if there is."""
        names = {f"#{name}": name for name in ("sk", *attributes)}
        beginning = {} if start is None else {"ExclusiveStartKey": _key(pk, start)}
        with dynamodb_errors():
            answer = self._client.query(
                TableName=self.name,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ProjectionExpression=", ".join(names),
                ExpressionAttributeNames=names,
                Limit=limit,
                **beginning,
            )
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], None if last is None else last["sk"]["S"]

    def put(self, row: Row) -> None:
        """Put a row, whatever stands in its place."""
        with dynamodb_errors():
            self._client.put_item(TableName=self.name, Item=row)

    def change(
        self, key: Row, update: str, *, condition: str, values: dict[str, Any]
    ) -> tuple[bool, Row | None]:
        """
        Update a row on a condition.

        Returns
        -------
        tuple
            Whether the condition held; and the row, as it is now or as it stood in the way.
        """
        operation = self.update(key, update, condition=condition, values=values)
        return self._single("update_item", {**operation, "ReturnValues": "ALL_NEW"})

    def delete(self, key: Row, *, condition: str, values: dict[str, Any]) -> bool:
        """Delete a row on a condition; return whether that held."""
        operation = {"Key": key, **self._conditioned("", condition, values)}
        return self._single("delete_item", operation)[0]

    def update(
        self, key: Row, update: str, *, condition: str, values: dict[str, Any], **names: str
    ) -> dict[str, Any]:
        """Return an update on a condition, as transactions take it."""
        conditioned = self._conditioned(update, condition, values, **names)
        return {"Key": key, "UpdateExpression": update, **conditioned}

    def transact(self, operations: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        """
        Do all operations or none.

        Returns
        -------
        list or None
            ``None`` if they were done. Else, for each, why not: its ``Code``, and with it the
            ``Item`` that stood in the way.

        Raises
        ------
        DependencyUnavailable
            If other transactions stay in the way.
        """
        for attempt in range(ATTEMPTS):
            try:
                with dynamodb_errors():
                    self._client.transact_write_items(TransactItems=operations)
            except ClientError as error:
                codes = set(cancellation_codes(error))
                if "ConditionalCheckFailed" in codes:
                    response: dict[str, Any] = dict(error.response)
                    return list(response["CancellationReasons"])
                if not codes or codes - {"None"} - PASSING_REASONS:
                    raise
                self._wait(attempt)
            else:
                return None
        raise DependencyUnavailable("DynamoDB")

    def delete_all(self, keys: list[Row]) -> None:
        """Delete rows, all different, on no condition; those that are gone stay gone."""
        for start in range(0, len(keys), DELETES_PER_BATCH):
            batch = keys[start : start + DELETES_PER_BATCH]
            waiting = [{"DeleteRequest": {"Key": key}} for key in batch]
            for attempt in range(ATTEMPTS):
                with dynamodb_errors():
                    answer = self._client.batch_write_item(RequestItems={self.name: waiting})
                waiting = answer.get("UnprocessedItems", {}).get(self.name, [])
                if not waiting:
                    break
                self._wait(attempt)
            else:
                raise DependencyUnavailable("DynamoDB")

    def _conditioned(
        self, update: str, condition: str, values: dict[str, Any], **names: str
    ) -> dict[str, Any]:
        used = {name: name for name in _PLACEHOLDER.findall(f"{update} {condition}")}
        parts: dict[str, Any] = {
            "TableName": self.name,
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if used:
            parts["ExpressionAttributeNames"] = {
                f"#{placeholder}": name for placeholder, name in {**used, **names}.items()
            }
        if values:
            parts["ExpressionAttributeValues"] = {
                f":{name}": value for name, value in to_item(values).items()
            }
        return parts

    def _single(self, name: str, operation: dict[str, Any]) -> tuple[bool, Row | None]:
        for attempt in range(ATTEMPTS):
            try:
                with dynamodb_errors():
                    answer = getattr(self._client, name)(**operation)
            except ClientError as error:
                if condition_failed(error):
                    response: dict[str, Any] = dict(error.response)
                    return False, response.get("Item") or None
                # A transaction is writing the row at this moment; botocore does not wait for it.
                if error_code(error) != "TransactionConflictException":
                    raise
                self._wait(attempt)
            else:
                return True, answer.get("Attributes")
        raise DependencyUnavailable("DynamoDB")

    def _wait(self, attempt: int) -> None:
        longest = min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
        # Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
        self._pause(random.uniform(0, longest))  # noqa: S311 - spreads load, guards nothing


def connection_key(connection_id: str) -> Row:
    """Return the key of a connection."""
    return _key(f"connection#{connection_id}", "connection")


def subscription_key(tenant: str, topic: str, shard: int, connection_id: str) -> Row:
    """Return the key of a subscription."""
    return _key(f"topic#{tenant}#{topic}#{shard}", connection_id)


def topic_key(tenant: str, topic: str) -> Row:
    """Return the key of a topic."""
    return _key(f"topics#{tenant}", topic)


def shards_of_topic(row: Row) -> int:
    """Return over how many partitions the subscribers of a topic are spread, by the topic's row."""
    return int(row["shards"]["N"]) if "shards" in row else SHARDS_OF_OLDER_TOPICS


def delivery_key(tenant: str, topic: str, shard: int) -> Row:
    """Return the key of how far a shard was sent."""
    return _key(f"delivery#{tenant}#{topic}#{shard}", "delivery")


def _key(pk: str, sk: str) -> Row:
    return {"pk": {"S": pk}, "sk": {"S": sk}}
