"""One page of a list over 1,000 and over 100,000 items: calls, rows read and CPU, which stay flat.

Rows read are what DynamoDB bills and what takes its time; the local AWS's own time for a query
grows with the table, so its clock is shown but is not the measure.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.progress import track

from benchmarks.local_tables import dynamodb_client, local_tables
from benchmarks.measure import Comparison, console, interleaved
from itemstream.items.content import ItemContent
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from itemstream.items.model import Item
from itemstream.items.repository import ItemFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = {"1,000 items": 1_000, "100,000 items": 100_000}
PAGES = 20
# BatchWriteItem takes 25 rows a call.
BATCH = 25


class CountingClient:
    """A DynamoDB client that counts calls and the rows that they read."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = self.rows = 0

    def query(self, **arguments: Any) -> Any:
        answer = self._client.query(**arguments)
        self.calls, self.rows = self.calls + 1, self.rows + answer["ScannedCount"]
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def main(rounds: int = 9) -> None:
    """Measure and report."""
    with local_tables() as endpoint:
        settings = DynamoItemsSettings("items", 4)
        items = DynamoItems(dynamodb_client(endpoint), settings)
        for tenant, size in SIZES.items():
            load(dynamodb_client(endpoint), items, tenant, size)
        client = CountingClient(dynamodb_client(endpoint))
        counted = DynamoItems(client, settings)
        for title, unit, measure in (
            ("List page queries", "queries per page", calls),
            ("List page rows", "rows read per page", rows),
            ("List page CPU", "ms of CPU per page", cpu),
            ("List page clock", "ms per page on the local AWS", clock),
        ):
            comparison = Comparison(title, unit, next(iter(SIZES)))
            candidates: dict[str, Callable[[], float]] = {
                tenant: partial(measure, counted, client, tenant) for tenant in SIZES
            }
            interleaved(comparison, candidates, rounds).report()


def load(client: Any, items: DynamoItems, tenant: str, size: int) -> None:
    """Write items in batches."""
    console.print(f"writing {tenant}")
    content = ItemContent(name="A thing", category="shelf").document()
    now = datetime.now(UTC)
    for _ in track(range(size // BATCH), description="", console=console, transient=True):
        made = [Item.create(tenant, content, created_by="bench", now=now) for _ in range(BATCH)]
        rows = [{"PutRequest": {"Item": items.addition(item)["Item"]}} for item in made]
        client.batch_write_item(RequestItems={"items": rows})


def pages(items: DynamoItems, tenant: str) -> Iterator[int]:
    """Read the first pages of a tenant's list."""
    before = None
    for _ in range(PAGES):
        page = items.page(tenant, ItemFilter(), limit=25, before=before)
        before = page.next_before
        yield len(page.items)


def calls(items: DynamoItems, client: CountingClient, tenant: str) -> float:
    """Count the queries of a page."""
    client.calls = 0
    sum(pages(items, tenant))
    return client.calls / PAGES


def rows(items: DynamoItems, client: CountingClient, tenant: str) -> float:
    """Count the rows that the queries of a page read."""
    client.rows = 0
    sum(pages(items, tenant))
    return client.rows / PAGES


def cpu(items: DynamoItems, _: CountingClient, tenant: str) -> float:
    """Measure the CPU of a page."""
    began = time.process_time()
    sum(pages(items, tenant))
    return (time.process_time() - began) * 1000 / PAGES


def clock(items: DynamoItems, _: CountingClient, tenant: str) -> float:
    """Measure how long a page takes."""
    began = time.perf_counter()
    sum(pages(items, tenant))
    return (time.perf_counter() - began) * 1000 / PAGES


if __name__ == "__main__":
    main()
