"""The tables as Terraform makes them, in moto."""

from __future__ import annotations

from typing import Any

ITEMS = "itemstream-test-items"
IDEMPOTENCY = "itemstream-test-idempotency"
INDEXES = {"by_category": "category_key", "by_status": "status_key"}


def create_tables(client: Any) -> None:
    """Make the items and the idempotency table."""
    client.create_table(
        TableName=ITEMS,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("pk", "sk", *INDEXES.values())
        ],
        KeySchema=_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": _schema(partition, "sk"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, partition in INDEXES.items()
        ],
    )
    client.create_table(
        TableName=IDEMPOTENCY,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=_schema("pk"),
    )


def _schema(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])
