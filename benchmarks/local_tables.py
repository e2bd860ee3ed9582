"""A MiniStack of the benchmark's own, with the two tables that the item functions use."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tools.stack.scratch import scratch_ministack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["dynamodb_client", "local_tables"]

KEY = [("pk", "HASH"), ("sk", "RANGE")]
INDEXES = {
    "by_category": [("category_key", "HASH"), ("sk", "RANGE")],
    "by_status": [("status_key", "HASH"), ("sk", "RANGE")],
}


@contextmanager
def local_tables() -> Iterator[str]:
    """Start it, make the tables, yield its address, stop it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_ministack(Path(folder), AUTH="false") as started,
    ):
        _make_tables(dynamodb_client(started.endpoint))
        yield started.endpoint


def dynamodb_client(endpoint: str) -> Any:
    """Return a DynamoDB client for it."""
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _make_tables(client: Any) -> None:
    names = {name for key in (KEY, *INDEXES.values()) for name, _ in key}
    client.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(KEY),
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in sorted(names)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": name,
                "KeySchema": _schema(key),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for name, key in INDEXES.items()
        ],
    )
    client.create_table(
        TableName="idempotency",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(KEY[:1]),
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )


def _schema(key: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in key]
