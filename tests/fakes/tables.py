"""The tables as Terraform makes them, in moto."""

from __future__ import annotations

from typing import Any

ITEMS = "itemstream-test-items"
IDEMPOTENCY = "itemstream-test-idempotency"
EVENTS = "itemstream-test-events"
NOTIFICATION_MARKS = "itemstream-test-notification-marks"
IMAGE_UPLOADS = "itemstream-test-image-uploads"
BRONZE_CALL = "itemstream-test-bronze-call"
SILVER_CALL = "itemstream-test-silver-call"
REJECTED_CALL = "itemstream-test-rejected-call"
CONNECTIONS = "itemstream-test-connections"
TICKETS = "itemstream-test-tickets"
CLEANUP = "itemstream-test-cleanup"
REPORTS = "itemstream-test-reports"
HEALTH = "itemstream-test-health"

# Table → sort key, and its indexes: name → partition key and sort key.
TABLES: dict[str, tuple[str | None, dict[str, tuple[str, str]]]] = {
    ITEMS: ("sk", {"by_category": ("category_key", "sk"), "by_status": ("status_key", "sk")}),
    IDEMPOTENCY: (None, {}),
    NOTIFICATION_MARKS: (None, {}),
    EVENTS: ("sk", {}),
    IMAGE_UPLOADS: ("sk", {}),
    BRONZE_CALL: ("sk", {}),
    SILVER_CALL: (
        None,
        {"by_day": ("day_key", "occurred_key"), "by_client": ("client_key", "occurred_key")},
    ),
    REJECTED_CALL: ("sk", {}),
    CONNECTIONS: ("sk", {}),
    TICKETS: (None, {}),
    CLEANUP: (None, {}),
    REPORTS: ("sk", {}),
    HEALTH: ("sk", {}),
}


def create_tables(client: Any) -> None:
    """Make all tables."""
    for name, (sort_key, indexes) in TABLES.items():
        attributes = {"pk", *([sort_key] if sort_key else []), *sum(indexes.values(), ())}
        secondary = [
            {
                "IndexName": index,
                "KeySchema": _schema(*keys),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, keys in indexes.items()
        ]
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": attribute, "AttributeType": "S"}
                for attribute in sorted(attributes)
            ],
            KeySchema=_schema("pk", sort_key),
            **({"GlobalSecondaryIndexes": secondary} if secondary else {}),
        )


def _schema(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])
