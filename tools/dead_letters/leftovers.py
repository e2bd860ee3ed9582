"""Items that are gone and left something behind: what tells of deletions that no stream has."""

from __future__ import annotations

import time
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from itemstream.images.model import UploadKey, renditions_prefix
from itemstream.items.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.dead_letters.accounts import Account

__all__ = ["items_with_leftovers"]

# BatchGetItem takes so many keys.
_KEYS_AT_ONCE = 100
_PAUSE_SECONDS = 0.2


def items_with_leftovers(
    account: Account, table: str, *, account_id: str
) -> Iterator[dict[str, Any]]:
    """
    Yield the keys that such items had in their table.

    An item is looked for after what it left was seen, and is there before any of that: one that is
    not found is gone for good.
    """
    shards = _shards(account)
    owners = _unique(_owners(account, account_id))
    while together := list(islice(owners, _KEYS_AT_ONCE)):
        keys = [
            {"pk": {"S": f"{tenant}#{shard_of(item, shards)}"}, "sk": {"S": item}}
            for tenant, item in together
        ]
        there = _there(account.client("dynamodb"), table, keys)
        yield from (key for key in keys if (key["pk"]["S"], key["sk"]["S"]) not in there)


def _there(dynamodb: Any, table: str, keys: list[dict[str, Any]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    wanted: dict[str, Any] = {
        table: {"Keys": keys, "ProjectionExpression": "pk, sk", "ConsistentRead": True}
    }
    while wanted:
        answer = dynamodb.batch_get_item(RequestItems=wanted)
        found.update((row["pk"]["S"], row["sk"]["S"]) for row in answer["Responses"].get(table, ()))
        wanted = answer.get("UnprocessedKeys") or {}
        if wanted:
            time.sleep(_PAUSE_SECONDS)
    return found


def _owners(account: Account, account_id: str) -> Iterator[tuple[str, str]]:
    """Yield tenant and item of whatever there is of pictures; many more than once."""
    uploads, processed = (
        f"{account.prefix}{name}-{account_id}" for name in ("uploads", "processed")
    )
    return chain(
        _owners_of_rows(account, f"{account.prefix}image-uploads"),
        _owners_of_objects(account, uploads, _root(UploadKey.prefix("", ""))),
        _owners_of_objects(account, processed, _root(renditions_prefix("", ""))),
    )


def _owners_of_rows(account: Account, table: str) -> Iterator[tuple[str, str]]:
    scan = account.client("dynamodb").get_paginator("scan")
    for page in scan.paginate(TableName=table, ProjectionExpression="pk"):
        for row in page["Items"]:
            tenant, _, item = row["pk"]["S"].partition("#")
            yield tenant, item


def _owners_of_objects(account: Account, bucket: str, root: str) -> Iterator[tuple[str, str]]:
    s3 = account.client("s3")
    for tenant in _folders(s3, bucket, root):
        for item in _folders(s3, bucket, tenant):
            yield tenant.split("/")[-2], item.split("/")[-2]


def _folders(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    listing = s3.get_paginator("list_objects_v2")
    for page in listing.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
        yield from (common["Prefix"] for common in page.get("CommonPrefixes", ()))


def _root(prefix: str) -> str:
    return f"{prefix.partition('/')[0]}/"


def _unique(owners: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    seen = set()
    for owner in owners:
        # What somebody put under a key of his own belongs to no item.
        if owner not in seen and _is_id(owner[1]):
            seen.add(owner)
            yield owner


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _shards(account: Account) -> int:
    configuration = account.client("lambda").get_function_configuration(
        FunctionName=f"{account.prefix}create-item", Qualifier="live"
    )
    return int(configuration["Environment"]["Variables"]["ITEMS_SHARDS"])
