"""The health in DynamoDB: table ``health``.

The row ``latest``, ``latest`` holds all parts as they are known; a change of it is what events are
made of (:mod:`itemstream.events.changes`). The rows ``history#<day>``, ``<time>`` hold what each
check found, for 30 days. Both are written in one transaction, on condition that the latest row is
still the one that was read: of two checks at once, the second begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import cancellation_codes, dynamodb_errors, error_code
from itemstream.health.model import Health, PartHealth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itemstream.health.model import Measurement

__all__ = ["DynamoHealth", "HealthTableSettings"]

HISTORY_SECONDS = 30 * 24 * 3600
_LATEST = {"pk": "latest", "sk": "latest"}
# DynamoDB API reference, TransactWriteItems, "CancellationReasons": somebody else was there, or is.
_RACED = {"ConditionalCheckFailed", "TransactionConflict"}


@dataclass(frozen=True)
class HealthTableSettings:
    """Environment of the functions that know the health; the tenant is for who writes it."""

    health_table: str
    operations_tenant: str = ""


class DynamoHealth:
    """
    The health; see :class:`itemstream.health.repository.HealthRepository`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The table, and the tenant that is told of changes.
    """

    def __init__(self, client: Any, settings: HealthTableSettings) -> None:
        self._client = client
        self._table = settings.health_table
        self._tenant = settings.operations_tenant

    @classmethod
    def from_environment(cls, *, read_timeout: float | None = None) -> DynamoHealth:
        """Make the one that the function's environment describes; the time is `aws_client`'s."""
        client = aws_client("dynamodb", read_timeout=read_timeout)
        return cls(client, from_environment(HealthTableSettings))

    def latest(self) -> Health | None:
        """Get the latest row, as it is now."""
        with dynamodb_errors():
            row = self._client.get_item(
                TableName=self._table, Key=to_item(_LATEST), ConsistentRead=True
            ).get("Item")
        if not row:
            return None
        stored = from_item(row)
        return Health(
            stored["checked_at"], {name: _part(part) for name, part in stored["parts"].items()}
        )

    def replace(
        self, before: Health | None, after: Health, measurements: Sequence[Measurement]
    ) -> bool:
        """Put the latest row and one of history."""
        latest = {
            **_LATEST,
            "tenant": self._tenant,
            "checked_at": after.checked_at,
            "parts": {name: _stored(part) for name, part in after.parts.items()},
        }
        condition: dict[str, Any] = (
            {"ConditionExpression": "attribute_not_exists(pk)"}
            if before is None
            else {
                "ConditionExpression": "checked_at = :before",
                "ExpressionAttributeValues": {":before": {"S": before.checked_at}},
            }
        )
        try:
            with dynamodb_errors():
                self._client.transact_write_items(
                    TransactItems=[
                        {"Put": {"TableName": self._table, "Item": to_item(latest), **condition}},
                        {
                            "Put": {
                                "TableName": self._table,
                                "Item": to_item(_history(after, measurements)),
                            }
                        },
                    ]
                )
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            codes = set(cancellation_codes(error)) - {"None"}
            if codes & _RACED:
                return False
            if codes <= {"ThrottlingError", "ProvisionedThroughputExceeded"}:
                raise DependencyUnavailable("DynamoDB") from error
            raise
        return True


def _history(after: Health, measurements: Sequence[Measurement]) -> dict[str, Any]:
    moment = datetime.fromisoformat(after.checked_at)
    return {
        "pk": f"history#{after.checked_at[:10]}",
        "sk": after.checked_at,
        "parts": {
            one.part: {
                "status": after.parts[one.part].status,
                "found": one.state,
                "latency_ms": one.latency_ms,
                "reason": one.reason,
            }
            for one in measurements
        },
        "expires_at": int(moment.timestamp()) + HISTORY_SECONDS,
    }


def _stored(part: PartHealth) -> dict[str, Any]:
    return {
        "status": part.status,
        "since": part.since,
        "checked_at": part.checked_at,
        "latency_ms": part.latency_ms,
        "reason": part.reason,
        "recent": [list(one) for one in part.recent],
    }


def _part(stored: dict[str, Any]) -> PartHealth:
    recent = tuple((state, at) for state, at in stored["recent"])
    return PartHealth(**{**stored, "recent": recent})
