"""One page of a list over 1,000 and over 100,000 items: calls, rows read and CPU, which stay flat.

Rows read are what DynamoDB bills and what takes its time; the local AWS's own time for a query
grows with the table, so its clock is shown but is not the measure.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.progress import track

from benchmarks.local_tables import dynamodb_client, local_tables
from benchmarks.measure import Comparison, console, interleaved
from itemstream.items.content import ItemContent
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from itemstream.items.model import Item
from itemstream.items.repository import ItemFilter

SIZES = {"1000-items": 1_000, "100000-items": 100_000}
PAGES = 5
CPU = "ms of CPU"
CLOCK = "ms on the local AWS"
UNITS = ("queries", "rows read", CPU, CLOCK)
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


def main(rounds: int = 5) -> None:
    """Measure and report."""
    with local_tables() as endpoint:
        settings = DynamoItemsSettings("items", 4)
        items = DynamoItems(dynamodb_client(endpoint), settings)
        for tenant, size in SIZES.items():
            load(dynamodb_client(endpoint), items, tenant, size)
        client = CountingClient(dynamodb_client(endpoint))
        counted = DynamoItems(client, settings)
        figures: dict[str, dict[str, list[float]]] = {unit: {} for unit in UNITS}

        def read(tenant: str) -> float:
            taken = read_pages(counted, client, tenant)
            for unit, figure in taken.items():
                figures[unit].setdefault(tenant, []).append(figure)
            return taken[CLOCK]

        floor = next(iter(SIZES))
        candidates = {tenant: partial(read, tenant) for tenant in SIZES}
        interleaved(Comparison("List pages", CLOCK, floor), candidates, rounds)
        for unit in UNITS:
            Comparison(f"List page, {unit}", "per page", floor, samples=figures[unit]).report()


def load(client: Any, items: DynamoItems, tenant: str, size: int) -> None:
    """Write items in batches."""
    console.print(f"writing {tenant}")
    content = ItemContent(name="A thing", category="shelf").document()
    now = datetime.now(UTC)
    for _ in track(range(size // BATCH), description="", console=console, transient=True):
        made = [Item.create(tenant, content, created_by="bench", now=now) for _ in range(BATCH)]
        rows = [{"PutRequest": {"Item": items.addition(item)["Item"]}} for item in made]
        client.batch_write_item(RequestItems={"items": rows})


def read_pages(items: DynamoItems, client: CountingClient, tenant: str) -> dict[str, float]:
    """Read the first pages of a tenant's list; return what one page took."""
    client.calls = client.rows = 0
    clock, cpu, before = time.perf_counter(), time.process_time(), None
    for _ in range(PAGES):
        before = items.page(tenant, ItemFilter(), limit=25, before=before).next_before
    return {
        "queries": client.calls / PAGES,
        "rows read": client.rows / PAGES,
        CPU: (time.process_time() - cpu) * 1000 / PAGES,
        CLOCK: (time.perf_counter() - clock) * 1000 / PAGES,
    }


if __name__ == "__main__":
    main()
