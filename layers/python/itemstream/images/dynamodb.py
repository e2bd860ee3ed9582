"""Uploads in DynamoDB.

The table: ``pk`` is ``<tenant>#<item id>``, ``sk`` the image's id. A row is made when an upload is
permitted, in one transaction with a check that its item is there, so that whoever deletes the item
later finds all its rows. It decides what becomes of the upload: it is ``ready`` before the item has
the image, and then no other file that was sent with the same form can fail it, nor the other way
round; the file that made it ready can, if a later try of it is refused. Rows expire after 15 days,
as the uploaded files do: dead letters that need both live for 14. Those that failed expire after a
month.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import cancellation_codes, condition_failed, dynamodb_errors
from itemstream.images.model import MAX_IMAGES, Upload, UploadKey
from itemstream.items.model import ImagesFull, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itemstream.items.dynamodb import DynamoItems

__all__ = ["DynamoUploads", "DynamoUploadsSettings"]

DAY_SECONDS = 24 * 3600
# Longer than a dead letter, which is of no use without its row.
PENDING_DAYS = 15
FAILED_DAYS = 30
# An upload that was permitted longer ago can hardly come any more: it no longer takes a place.
AWAITED = timedelta(hours=1)

_NOT_FAILED = "#status IN (:was_pending, :was_ready)"
_UNDECIDED_OR_BY_THIS_FILE = "#status = :was_pending OR (#status = :was_ready AND #file = :file)"


@dataclass(frozen=True)
class DynamoUploadsSettings:
    """Environment of the functions that use the table of uploads."""

    image_uploads_table: str


class DynamoUploads:
    """
    The uploads; see :class:`itemstream.images.repository.UploadRepository`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The table.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        client: Any,
        settings: DynamoUploadsSettings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._table = settings.image_uploads_table
        self._clock = clock

    @classmethod
    def from_environment(cls) -> DynamoUploads:
        """Make the repository that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(DynamoUploadsSettings))

    def begin(self, upload: Upload, items: DynamoItems) -> None:
        """
        Keep a new upload of an item that is there and has room for one more image.

        Uploads on their way are counted a moment before the transaction, so clients that ask at
        once may be permitted some too many. Those fail: the item counts its images exactly.

        Raises
        ------
        ItemNotFound
            If the item is not there.
        ImagesFull
            If it has no room.
        """
        key = upload.key
        room = MAX_IMAGES - self._awaited(key.tenant, key.item_id)
        if room <= 0:
            items.get(key.tenant, key.item_id)
            raise ImagesFull(key.item_id)
        check = items.room_for_images(key.tenant, key.item_id, room)
        put = {"TableName": self._table, "Item": self._row(upload)}
        try:
            with dynamodb_errors():
                self._client.transact_write_items(
                    TransactItems=[{"ConditionCheck": check}, {"Put": put}]
                )
        except ClientError as error:
            codes = cancellation_codes(error)
            if codes[:1] == ["ConditionalCheckFailed"]:
                items.get(key.tenant, key.item_id)
                raise ImagesFull(key.item_id) from error
            if codes and set(codes) <= {"None", "TransactionConflict", "ThrottlingError"}:
                raise DependencyUnavailable("DynamoDB") from error
            raise

    def find(self, key: UploadKey) -> Upload | None:
        """Read an upload, consistently."""
        with dynamodb_errors():
            row = self._client.get_item(
                TableName=self._table, Key=_key(key), ConsistentRead=True
            ).get("Item")
        return None if row is None else _upload(row)

    def ready(self, upload: Upload, file: str) -> bool:
        """
        Note that an upload becomes an image, and by which of its files, the last one to say so.

        The file that said so before it may be about to become the image. It cannot be refused then:
        it was a picture, and an item that is full for it is full for all.
        """
        return self._settle(upload, {"status": "ready", "file": file}, _NOT_FAILED)

    def fail(self, upload: Upload, reason: str, *, file: str) -> bool:
        """Note why an upload failed; that of an upload that nobody asked for, in a new row."""
        failed = replace(upload, status="failed", reason=reason)
        if upload.content_type is not None:
            expires_at = self._expiry(FAILED_DAYS)
            changes = {"status": "failed", "reason": reason, "expires_at": expires_at}
            return self._settle(upload, changes, _UNDECIDED_OR_BY_THIS_FILE, file=file)
        try:
            with dynamodb_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=self._row(failed),
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def remove_all(self, tenant: str, item_id: str) -> None:
        """Delete the rows of an item, one by one: there are few."""
        for row in self._rows(tenant, item_id, ProjectionExpression="pk, sk"):
            with dynamodb_errors():
                self._client.delete_item(TableName=self._table, Key=row)

    def _awaited(self, tenant: str, item_id: str) -> int:
        since = datetime.fromtimestamp(self._clock(), UTC) - AWAITED
        rows = self._rows(
            tenant,
            item_id,
            FilterExpression="#status = :pending AND created_at > :since",
            ExpressionAttributeNames={"#status": "status"},
            values={":pending": {"S": "pending"}, ":since": {"S": timestamp(since)}},
        )
        return sum(1 for _ in rows)

    def _rows(
        self, tenant: str, item_id: str, *, values: dict[str, Any] | None = None, **query: Any
    ) -> Iterator[dict[str, Any]]:
        query = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": f"{tenant}#{item_id}"}, **(values or {})},
            **query,
        }
        while True:
            with dynamodb_errors():
                answer = self._client.query(**query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _settle(
        self, upload: Upload, changes: dict[str, Any], condition: str, **compared: str
    ) -> bool:
        """Change an upload on a condition; return whether it held."""
        states = {":was_pending": "pending", ":was_ready": "ready"}
        new = {f":{name}": value for name, value in {**changes, **compared}.items()}
        names = {f"#{name}": name for name in (*changes, *compared)}
        try:
            with dynamodb_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(upload.key),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=to_item({**new, **states}),
                )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _row(self, upload: Upload) -> dict[str, Any]:
        known = {
            "tenant": upload.key.tenant,
            "item_id": upload.key.item_id,
            "image_id": upload.key.image_id,
            "status": upload.status,
            "reason": upload.reason,
            "content_type": upload.content_type,
            "created_at": upload.created_at,
            "created_by": upload.created_by,
            "expires_at": self._expiry(FAILED_DAYS if upload.status == "failed" else PENDING_DAYS),
        }
        given = {name: value for name, value in known.items() if value is not None}
        return {**_key(upload.key), **to_item(given)}

    def _expiry(self, days: int) -> int:
        return int(self._clock()) + days * DAY_SECONDS


def _key(key: UploadKey) -> dict[str, Any]:
    return {"pk": {"S": f"{key.tenant}#{key.item_id}"}, "sk": {"S": key.image_id}}


def _upload(row: dict[str, Any]) -> Upload:
    stored = from_item(row)
    return Upload(
        key=UploadKey(stored["tenant"], stored["item_id"], stored["image_id"]),
        status=stored["status"],
        content_type=stored.get("content_type"),
        created_at=stored["created_at"],
        created_by=stored.get("created_by"),
        reason=stored.get("reason"),
    )
