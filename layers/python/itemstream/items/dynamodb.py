"""Items in DynamoDB.

The table: ``pk`` is ``<tenant>#<shard>``, ``sk`` the item's id. Two sparse indexes that hold keys
only, ``by_category`` and ``by_status``, have partitions ``<tenant>#<shard>#<value>`` and the same
sort key, so no partition is hotter than the table's own and a change that touches neither value
does not write to them. Lists by an index read the items themselves from the table, consistently.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_attribute_value, to_item
from itemstream.dynamodb.errors import condition_failed, dynamodb_errors
from itemstream.items.model import (
    ImagesFull,
    Item,
    ItemExists,
    ItemNotFound,
    VersionMismatch,
)
from itemstream.items.repository import AnyVersion, ItemFilter, ItemPage
from itemstream.items.shards import merge_newest_first, shard_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["DynamoItems", "DynamoItemsSettings"]

# The order in which clients see the fields; DynamoDB keeps none.
DOCUMENT_FIELDS = (
    *("id", "name", "description", "category", "status", "price", "quantity", "tags"),
    *("attributes", "images", "version", "created_at", "updated_at", "created_by"),
)
CONTENT_FIELDS = (
    *("name", "description", "category", "status", "price", "quantity", "tags", "attributes"),
)

# BatchGetItem takes 100 keys a call (DynamoDB API reference).
BATCH_KEYS = 100
# How many index rows one page may look at before it is returned short, with a cursor to go on.
PAGE_READS = 10


@dataclass(frozen=True)
class DynamoItemsSettings:
    """Environment of the functions that use the items table."""

    items_table: str
    items_shards: int


class DynamoItems:
    """The item repository on DynamoDB; see :class:`itemstream.items.repository.ItemRepository`."""

    def __init__(self, client: Any, settings: DynamoItemsSettings) -> None:
        self._client = client
        self._table = settings.items_table
        self._shards = settings.items_shards

    @classmethod
    def from_environment(cls) -> DynamoItems:
        """Make the repository that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(DynamoItemsSettings))

    def get(self, tenant: str, item_id: str) -> Item:
        """Read one item, consistently, by its key."""
        with dynamodb_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=self._key(tenant, item_id), ConsistentRead=True
            )
        if "Item" not in answer:
            raise ItemNotFound(item_id)
        return _item(tenant, answer["Item"])

    def add(self, item: Item) -> None:
        """Store a new item."""
        try:
            with dynamodb_errors():
                self._client.put_item(**self.addition(item))
        except ClientError as error:
            if condition_failed(error):
                raise ItemExists(item.id) from error
            raise

    def addition(self, item: Item) -> dict[str, Any]:
        """Return the ``Put`` that stores a new item, for use in a transaction."""
        return {
            "TableName": self._table,
            "Item": {
                **self._key(item.tenant, item.id),
                **to_item({name: item.document[name] for name in DOCUMENT_FIELDS if name != "id"}),
                **self._index_keys(item.tenant, item.id, item.document),
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        }

    def replace(
        self,
        tenant: str,
        item_id: str,
        content: dict[str, Any],
        *,
        versions: Container[int],
        updated_at: str,
    ) -> Item:
        """Replace the content in one conditional write, which also says what stood in its way."""
        write_id = os.urandom(8).hex()
        changes = to_item(
            {
                **{name: content[name] for name in CONTENT_FIELDS},
                "updated_at": updated_at,
                "write_id": write_id,
            }
        )
        index_keys = self._index_keys(tenant, item_id, content)
        changes |= index_keys
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        gone = [name for name in ("category_key", "status_key") if name not in index_keys]
        expression = f"SET {sets}, #version = #version + :one"
        if gone:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        condition, condition_values = _at_one_of(versions)
        try:
            with dynamodb_errors():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=self._key(tenant, item_id),
                    UpdateExpression=expression,
                    ConditionExpression=f"attribute_exists(pk){condition}",
                    ExpressionAttributeNames={
                        f"#{name}": name for name in (*changes, *gone, "version")
                    },
                    ExpressionAttributeValues={
                        **{f":{name}": value for name, value in changes.items()},
                        ":one": {"N": "1"},
                        **condition_values,
                    },
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            conflict = _conflict(error, item_id)
            current = _current(error)
            if current.get("write_id") != {"S": write_id}:
                raise conflict from error
            # Our own change stands there already: its answer was lost, and the AWS client, which
            # repeats what it has no answer to, ran into what it had written.
            return _item(tenant, current)
        return _item(tenant, answer["Attributes"])

    def add_image(
        self, tenant: str, item_id: str, image: dict[str, Any], *, most: int, updated_at: str
    ) -> Item:
        """Add an image in one conditional write, whatever the item's version is by then."""
        # DynamoDB cannot look for an id within a list of maps: the ids have a list of their own.
        changes = to_item({"updated_at": updated_at, "write_id": os.urandom(8).hex()})
        try:
            with dynamodb_errors():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=self._key(tenant, item_id),
                    UpdateExpression=(
                        "SET images = list_append(images, :images), "
                        "image_ids = list_append(if_not_exists(image_ids, :none), :ids), "
                        "#version = #version + :one, "
                        "updated_at = :updated_at, write_id = :write_id"
                    ),
                    ConditionExpression=(
                        "attribute_exists(pk) AND size(images) < :most "
                        "AND NOT contains(image_ids, :id)"
                    ),
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues={
                        **{f":{name}": value for name, value in changes.items()},
                        ":images": to_attribute_value([image]),
                        ":ids": to_attribute_value([image["id"]]),
                        ":id": to_attribute_value(image["id"]),
                        ":none": {"L": []},
                        ":one": {"N": "1"},
                        ":most": to_attribute_value(most),
                    },
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if not condition_failed(error):
                raise
            current = _current(error)
            if not current:
                raise ItemNotFound(item_id) from error
            item = _item(tenant, current)
            # It was added before: by an earlier try, or by one whose answer was lost.
            if any(known["id"] == image["id"] for known in item.document["images"]):
                return item
            raise ImagesFull(item_id) from error
        return _item(tenant, answer["Attributes"])

    def room_for_images(self, tenant: str, item_id: str, room: int) -> dict[str, Any]:
        """Return the check that an item has fewer images than ``room``, for a transaction."""
        return {
            "TableName": self._table,
            "Key": self._key(tenant, item_id),
            "ConditionExpression": "attribute_exists(pk) AND size(images) < :room",
            "ExpressionAttributeValues": {":room": to_attribute_value(room)},
        }

    def delete(self, tenant: str, item_id: str, *, versions: Container[int]) -> None:
        """Delete in one conditional write; an item that is gone already stays gone."""
        condition, condition_values = _at_one_of(versions)
        values = {"ExpressionAttributeValues": condition_values} if condition_values else {}
        names = {"ExpressionAttributeNames": {"#version": "version"}} if condition else {}
        try:
            with dynamodb_errors():
                self._client.delete_item(
                    TableName=self._table,
                    Key=self._key(tenant, item_id),
                    ConditionExpression=f"attribute_exists(pk){condition}",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **names,
                    **values,
                )
        except ClientError as error:
            conflict = _conflict(error, item_id)
            if not isinstance(conflict, ItemNotFound):
                raise conflict from error

    def page(
        self, tenant: str, wanted: ItemFilter, *, limit: int, before: str | None = None
    ) -> ItemPage:
        """Read a page: the shards side by side, consistently, merged by id."""
        rows = self._rows(tenant, wanted, limit, before)
        if wanted == ItemFilter():
            items = [_item(tenant, row) for row in islice(rows, limit + 1)]
            exhausted, last_read = True, None
        else:
            items, exhausted, last_read = self._read_indexed(tenant, wanted, rows, limit)
        if len(items) > limit:
            return ItemPage(items[:limit], items[limit - 1].id)
        return ItemPage(items, None if exhausted else last_read)

    def _read_indexed(
        self, tenant: str, wanted: ItemFilter, rows: Iterator[dict[str, Any]], limit: int
    ) -> tuple[list[Item], bool, str | None]:
        """Read the items of index rows: ``limit`` + 1, or what is left, or what is enough."""
        items: list[Item] = []
        last_read = None
        for attempt in range(PAGE_READS):
            # Most often all that the index finds is wanted; if not, the next read looks further.
            wanted_rows = min(limit + 1, BATCH_KEYS) if attempt == 0 else BATCH_KEYS
            ids = [row["sk"]["S"] for row in islice(rows, wanted_rows)]
            if not ids:
                return items, True, None
            found = self._batch_get(tenant, ids)
            # The index lags behind the table: what the table says now decides.
            items += [found[i] for i in ids if i in found and wanted.admits(found[i].document)]
            last_read = ids[-1]
            if len(items) > limit:
                break
        return items, False, last_read

    def _batch_get(self, tenant: str, ids: list[str]) -> dict[str, Item]:
        keys: list[dict[str, Any]] = [self._key(tenant, item_id) for item_id in ids]
        found: dict[str, Item] = {}
        for _ in range(5):
            with dynamodb_errors():
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                )
            for row in answer["Responses"].get(self._table, []):
                item = _item(tenant, row)
                found[item.id] = item
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not keys:
                return found
        raise DependencyUnavailable("DynamoDB")

    def _rows(
        self, tenant: str, wanted: ItemFilter, limit: int, before: str | None
    ) -> Iterator[dict[str, Any]]:
        """Rows of all shards, newest first; the first pages of all shards are read side by side."""
        # A shard's fair share and some more: most pages then need one query a shard.
        size = min(limit, limit // self._shards + limit // 10 + 3)
        queries = [
            self._query(tenant, shard, wanted, size, before) for shard in range(self._shards)
        ]
        first = [self._pool.submit(self._run_query, query) for query in queries]
        shards = [self._shard_rows(*pair) for pair in zip(queries, first, strict=True)]
        return merge_newest_first(shards, lambda row: str(row["sk"]["S"]))

    def _shard_rows(
        self, query: dict[str, Any], first: Future[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        answer = first.result()
        yield from answer["Items"]
        while "LastEvaluatedKey" in answer:
            answer = self._run_query({**query, "ExclusiveStartKey": answer["LastEvaluatedKey"]})
            yield from answer["Items"]

    def _run_query(self, query: dict[str, Any]) -> dict[str, Any]:
        with dynamodb_errors():
            answer: dict[str, Any] = self._client.query(**query)
        return answer

    def _query(
        self, tenant: str, shard: int, wanted: ItemFilter, size: int, before: str | None
    ) -> dict[str, Any]:
        query: dict[str, Any] = {
            "TableName": self._table,
            "Limit": size,
            "ScanIndexForward": False,
        }
        if wanted.category is not None:
            attribute, partition = "category_key", f"{tenant}#{shard}#{wanted.category}"
            query["IndexName"] = "by_category"
        elif wanted.status is not None:
            attribute, partition = "status_key", f"{tenant}#{shard}#{wanted.status}"
            query["IndexName"] = "by_status"
        else:
            attribute, partition = "pk", f"{tenant}#{shard}"
            query["ConsistentRead"] = True
        condition = f"{attribute} = :partition"
        values = {":partition": {"S": partition}}
        if before is not None:
            condition += " AND sk < :before"
            values[":before"] = {"S": before}
        return {
            **query,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        # Only lists need it: the other functions start without.
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(max_workers=self._shards, thread_name_prefix="shard")

    def _key(self, tenant: str, item_id: str) -> dict[str, Any]:
        shard = shard_of(item_id, self._shards)
        return {"pk": {"S": f"{tenant}#{shard}"}, "sk": {"S": item_id}}

    def _index_keys(self, tenant: str, item_id: str, content: dict[str, Any]) -> dict[str, Any]:
        prefix = f"{tenant}#{shard_of(item_id, self._shards)}#"
        keys = {"status_key": {"S": prefix + content["status"]}}
        if content["category"] is not None:
            keys["category_key"] = {"S": prefix + content["category"]}
        return keys


def _item(tenant: str, row: dict[str, Any]) -> Item:
    stored = from_item(row)
    stored["id"] = stored["sk"]
    return Item(tenant, {name: stored[name] for name in DOCUMENT_FIELDS})


def _at_one_of(versions: Container[int]) -> tuple[str, dict[str, Any]]:
    if isinstance(versions, AnyVersion):
        return "", {}
    named = sorted(versions)  # type: ignore[call-overload]
    if not named:
        # An If-Match of weak or foreign tags only: no version is acceptable.
        named = [0]
    values = {f":version{n}": to_attribute_value(version) for n, version in enumerate(named)}
    return f" AND #version IN ({', '.join(values)})", values


def _conflict(error: ClientError, item_id: str) -> Exception:
    if not condition_failed(error):
        return error
    current = _current(error)
    if not current:
        return ItemNotFound(item_id)
    return VersionMismatch(int(current["version"]["N"]))


def _current(error: ClientError) -> dict[str, Any]:
    """Return the row that a condition did not hold for; empty if there is none."""
    response: dict[str, Any] = dict(error.response)
    return response.get("Item") or {}
