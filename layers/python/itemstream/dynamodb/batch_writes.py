"""Many puts in few calls: BatchWriteItem, with what DynamoDB left unprocessed tried again."""

from __future__ import annotations

import random
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.errors import dynamodb_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["BATCH_PUTS", "put_all"]

# BatchWriteItem takes 25 requests of 16 MB together (DynamoDB API reference).
BATCH_PUTS = 25
_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


def put_all(
    client: Any, table: str, items: Iterable[dict[str, Any]], *, parallel: int = 1
) -> tuple[int, int]:
    """
    Put items, 25 in a call; of two with one key, only one may be given.

    Parameters
    ----------
    client
        A DynamoDB client.
    table
        Name of the table.
    items
        Attribute values of each item. Taken as they are needed, so that a stream of any length
        needs memory for ``parallel`` batches only.
    parallel
        How many calls may be under way at once.

    Returns
    -------
    tuple
        How many items were put, and with how many calls.

    Raises
    ------
    DependencyUnavailable
        If DynamoDB goes on leaving items unprocessed, or does not answer. Any of the items may
        have been put.
    """
    batches = _batches(items)
    if parallel == 1:
        outcomes = [_put_batch(client, table, batch) for batch in batches]
    else:
        outcomes = list(_in_parallel(client, table, batches, parallel))
    return sum(count for count, _ in outcomes), sum(calls for _, calls in outcomes)


def _batches(items: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH_PUTS)):
        yield batch


def _in_parallel(
    client: Any, table: str, batches: Iterator[list[dict[str, Any]]], parallel: int
) -> Iterator[tuple[int, int]]:
    # Only the writers of many need threads.
    from collections import deque
    from concurrent.futures import Future, ThreadPoolExecutor

    under_way: deque[Future[tuple[int, int]]] = deque()
    with ThreadPoolExecutor(parallel, thread_name_prefix="puts") as pool:
        for batch in batches:
            if len(under_way) == parallel:
                yield under_way.popleft().result()
            under_way.append(pool.submit(_put_batch, client, table, batch))
        while under_way:
            yield under_way.popleft().result()


def _put_batch(client: Any, table: str, batch: list[dict[str, Any]]) -> tuple[int, int]:
    requests: list[dict[str, Any]] = [{"PutRequest": {"Item": item}} for item in batch]
    pause = _FIRST_PAUSE_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        with dynamodb_errors():
            answer = client.batch_write_item(RequestItems={table: requests})
        requests = answer.get("UnprocessedItems", {}).get(table, [])
        if not requests:
            return len(batch), attempt
        if attempt < _ATTEMPTS:
            # Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
            time.sleep(random.uniform(0, pause))  # noqa: S311 - spreads load, guards nothing
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    raise DependencyUnavailable("DynamoDB")
