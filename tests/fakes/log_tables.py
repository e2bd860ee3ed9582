"""The calls that the event log makes to DynamoDB, answered from memory, one after another."""

from __future__ import annotations

from copy import deepcopy
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

Row = dict[str, Any]


class LogTables:
    """
    A DynamoDB client with the tables of the event log.

    It knows the expressions that the log writes, and no others: a transaction is all or nothing,
    conditions are checked against what stands there, and a cancelled one says why.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._lock = Lock()

    def get_item(self, **call: Any) -> dict[str, Any]:
        assert call["ConsistentRead"]
        row = self._rows.get(_key(call["TableName"], call["Key"]))
        return {"Item": deepcopy(row)} if row else {}

    def query(self, **call: Any) -> dict[str, Any]:
        assert call["ConsistentRead"]
        assert call["KeyConditionExpression"] == "pk = :tenant AND sk > :after"
        values = call["ExpressionAttributeValues"]
        tenant, after = values[":tenant"]["S"], values[":after"]["S"]
        rows = [
            deepcopy(row)
            for (table, pk, sk), row in sorted(self._rows.items())
            if (table, pk) == (call["TableName"], tenant) and sk > after
        ]
        return {"Items": rows[: call["Limit"]]}

    def transact_write_items(self, **call: Any) -> dict[str, Any]:
        assert len(call["TransactItems"]) <= 100
        operations = [next(iter(item.items())) for item in call["TransactItems"]]
        keys = [_key(one["TableName"], one.get("Item") or one["Key"]) for _, one in operations]
        assert len(set(keys)) == len(keys), "a transaction touches a row once"
        with self._lock:
            reasons = [
                self._reason(key, one) for key, (_, one) in zip(keys, operations, strict=True)
            ]
            if any(reason["Code"] != "None" for reason in reasons):
                raise ClientError(
                    {
                        "Error": {"Code": "TransactionCanceledException"},
                        "CancellationReasons": reasons,
                    },  # type: ignore[typeddict-unknown-key]
                    "TransactWriteItems",
                )
            for key, (kind, one) in zip(keys, operations, strict=True):
                self._rows[key] = deepcopy(one["Item"]) if kind == "Put" else _updated(one)
        return {}

    def delete(self, table: str, pk: str, sk: str = "") -> None:
        """Delete a row, as its time to live does."""
        del self._rows[table, pk, sk]

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows by key."""
        return [deepcopy(row) for key, row in sorted(self._rows.items()) if key[0] == table]

    def _reason(self, key: tuple[str, str, str], one: dict[str, Any]) -> dict[str, Any]:
        row = self._rows.get(key)
        match one["ConditionExpression"]:
            case "attribute_not_exists(pk)":
                holds = row is None
            case "#next = :start":
                start = one["ExpressionAttributeValues"][":start"]
                holds = row is not None and row["next"] == start
            case other:
                raise AssertionError(f"unknown condition {other}")
        if holds:
            return {"Code": "None"}
        reason: dict[str, Any] = {"Code": "ConditionalCheckFailed"}
        if row and one.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            reason["Item"] = deepcopy(row)
        return reason


def _updated(update: dict[str, Any]) -> Row:
    assert update["UpdateExpression"] == "SET #next = :end, #kind = :head"
    values = update["ExpressionAttributeValues"]
    return {**update["Key"], "next": values[":end"], "kind": values[":head"]}


def _key(table: str, row: Row) -> tuple[str, str, str]:
    return table, row["pk"]["S"], row.get("sk", {"S": ""})["S"]
