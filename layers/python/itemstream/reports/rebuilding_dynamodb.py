"""What tables of reports can be made of again, as DynamoDB keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dynamodb.attribute_values import from_item
from itemstream.dynamodb.errors import dynamodb_errors
from itemstream.events.dynamodb import DynamoLogReader, LogReaderSettings
from itemstream.events.envelope import sequence_text
from itemstream.events.log import PositionExpired
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.repository import ItemFilter
from itemstream.reports.rebuilding import KeptPage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DynamoKeptRecords", "KeptRecordsSettings"]

EVENTS_PER_PAGE = 200
ITEMS_PER_PAGE = 200
# Of a scan, each of which may look through 1 MB.
CALLS_PER_PAGE = 500

_HEAD = "head#"


@dataclass(frozen=True)
class KeptRecordsSettings:
    """Environment of the function that rebuilds the tables of reports."""

    events_table: str
    silver_call_table: str


class DynamoKeptRecords:
    """
    See :class:`itemstream.reports.rebuilding.KeptRecords`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The tables.
    items
        The items.
    """

    def __init__(self, client: Any, settings: KeptRecordsSettings, items: DynamoItems) -> None:
        self._client = client
        self._settings = settings
        self._items = items
        self._log = DynamoLogReader(client, LogReaderSettings(settings.events_table))

    @classmethod
    def from_environment(cls) -> DynamoKeptRecords:
        """Make the one that the function's environment variables describe."""
        return cls(
            aws_client("dynamodb"),
            from_environment(KeptRecordsSettings),
            DynamoItems.from_environment(),
        )

    def tenants(self, position: Any) -> KeptPage:
        """Look for the heads of logs among all their rows, 1 MB of them."""
        page = self._scan(
            self._settings.events_table,
            position,
            FilterExpression="begins_with(pk, :head)",
            ProjectionExpression="pk",
            ExpressionAttributeValues={":head": {"S": _HEAD}},
        )
        tenants = [row["pk"].removeprefix(_HEAD) for row in page.records]
        return KeptPage(tenants, page.position)

    def first_event(self, tenant: str) -> dict[str, Any] | None:
        """Read one row of the log."""
        row = self._row_after(tenant, 0)
        return None if row is None else dict(row["event"])

    def events(self, tenant: str, position: Any) -> KeptPage:
        """Read a page of the log, on from wherever it begins now."""
        after = int(position or 0)
        try:
            logged = self._log.read(tenant, after=after, limit=EVENTS_PER_PAGE)
        except PositionExpired:
            row = self._row_after(tenant, after)
            return KeptPage() if row is None else KeptPage(position=int(row["sk"]) - 1)
        if not logged:
            return KeptPage()
        return KeptPage([event.document for event in logged], logged[-1].sequence)

    def items(self, tenant: str, position: Any) -> KeptPage:
        """Read a page of the list of items, consistently."""
        page = self._items.page(tenant, ItemFilter(), limit=ITEMS_PER_PAGE, before=position)
        return KeptPage([item.document for item in page.items], page.next_before)

    def calls(self, tenant: str, position: Any) -> KeptPage:
        """Scan silver: no index has all calls of a tenant."""
        one = {
            "FilterExpression": "tenant = :tenant",
            "ExpressionAttributeValues": {":tenant": {"S": tenant}},
        }
        return self._scan(
            self._settings.silver_call_table,
            position,
            # Without a filter every row that is looked at is one that is found.
            **(one if tenant else {"Limit": CALLS_PER_PAGE}),
        )

    def _row_after(self, tenant: str, after: int) -> dict[str, Any] | None:
        with dynamodb_errors():
            answer = self._client.query(
                TableName=self._settings.events_table,
                KeyConditionExpression="pk = :tenant AND sk > :after",
                ExpressionAttributeValues={
                    ":tenant": {"S": tenant},
                    ":after": {"S": sequence_text(after)},
                },
                ConsistentRead=True,
                Limit=1,
            )
        rows = answer["Items"]
        return from_item(rows[0]) if rows else None

    def _scan(self, table: str, position: Any, **how: Any) -> KeptPage:
        start = {"ExclusiveStartKey": position} if position else {}
        scan: Callable[..., Any] = self._client.scan
        with dynamodb_errors():
            answer = scan(TableName=table, ConsistentRead=True, **how, **start)
        rows = [from_item(row) for row in answer["Items"]]
        return KeptPage(rows, answer.get("LastEvaluatedKey"))
