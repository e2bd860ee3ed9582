"""Sharded keys: a tenant's items are spread over N partitions and read back as one list.

One DynamoDB partition takes 1,000 write units a second (Developer Guide, "Burst and adaptive
capacity"); N shards take N times that for one tenant. N is fixed for the life of a table.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["merge_newest_first", "shard_of"]

Row = TypeVar("Row")


def shard_of(item_id: str, shards: int) -> int:
    """
    Return the shard, 0 to ``shards`` - 1, that holds an item.

    CRC-32 spreads well enough, is the same on every machine for ever, and is in the standard
    library; ``hash`` is salted for each process.
    """
    return crc32(item_id.encode()) % shards


def merge_newest_first(
    shards: Iterable[Iterator[Row]], item_id: Callable[[Row], str]
) -> Iterator[Row]:
    """Merge rows, each shard's own already by descending id, into one descending order, lazily."""
    return heapq.merge(*shards, key=item_id, reverse=True)
