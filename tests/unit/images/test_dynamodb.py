"""How uploads lie in DynamoDB, and who decides what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.images.dynamodb import DynamoUploads, DynamoUploadsSettings
from itemstream.images.model import Upload, UploadKey
from itemstream.items import ImagesFull, ItemNotFound
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from tests.fakes.content import NOW, new_item
from tests.fakes.tables import IMAGE_UPLOADS, ITEMS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 24 * 3600


class Clock:
    """A clock that is set by hand."""

    now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


@pytest.fixture
def items(client: Any) -> DynamoItems:
    return DynamoItems(client, DynamoItemsSettings(ITEMS, 4))


@pytest.fixture
def uploads(client: Any, clock: Clock) -> DynamoUploads:
    return DynamoUploads(client, DynamoUploadsSettings(IMAGE_UPLOADS), clock=clock)


@pytest.fixture
def item_id(items: DynamoItems) -> str:
    item = new_item()
    items.add(item)
    return item.id


def asked(item_id: str, tenant: str = "acme", **changes: Any) -> Upload:
    return Upload.begin(tenant, item_id, "image/png", created_by="alice", **{"now": NOW, **changes})


def rows(client: Any) -> list[dict[str, Any]]:
    return list(client.scan(TableName=IMAGE_UPLOADS)["Items"])


def test_an_upload_is_found_as_it_was_begun(
    client: Any, uploads: DynamoUploads, items: DynamoItems, item_id: str
) -> None:
    # When
    upload = asked(item_id)
    uploads.begin(upload, items)

    # Then
    assert uploads.find(upload.key) == upload
    assert uploads.find(UploadKey("acme", item_id, "other")) is None
    (row,) = rows(client)
    assert row == {
        "pk": {"S": f"acme#{item_id}"},
        "sk": {"S": upload.key.image_id},
        "tenant": {"S": "acme"},
        "item_id": {"S": item_id},
        "image_id": {"S": upload.key.image_id},
        "status": {"S": "pending"},
        "content_type": {"S": "image/png"},
        "created_at": {"S": "2026-11-21T06:00:00.000Z"},
        "created_by": {"S": "alice"},
        "expires_at": {"N": str(int(NOW.timestamp()) + 15 * DAY)},
    }


@pytest.mark.parametrize("tenant", ["acme", "other"])
def test_no_upload_is_begun_without_its_item(
    client: Any, uploads: DynamoUploads, items: DynamoItems, item_id: str, tenant: str
) -> None:
    upload = asked(item_id if tenant == "other" else "missing", tenant)
    with pytest.raises(ItemNotFound):
        uploads.begin(upload, items)
    assert rows(client) == []


def test_images_and_awaited_uploads_share_the_room(
    client: Any, uploads: DynamoUploads, items: DynamoItems, item_id: str, clock: Clock
) -> None:
    # Given 12 images, 7 uploads on their way, one that failed, and one that became an image
    for number in range(12):
        image = {"id": str(number), "renditions": []}
        items.add_image("acme", item_id, image, most=20, updated_at="later")
    begun = [asked(item_id) for _ in range(8)]
    for upload in begun:
        uploads.begin(upload, items)
    uploads.fail(begun[0], "no picture", file="v1")
    last = asked(item_id)

    # When, then there is room for one more, and for no other
    uploads.begin(last, items)
    with pytest.raises(ImagesFull):
        uploads.begin(asked(item_id), items)
    assert len(rows(client)) == 9

    # When an hour later nothing has come, then there is room again
    clock.now += 3601
    uploads.begin(asked(item_id), items)


def test_an_item_full_of_awaited_uploads_has_no_room_and_a_missing_one_is_missing(
    uploads: DynamoUploads, items: DynamoItems, item_id: str
) -> None:
    # Given
    for _ in range(20):
        uploads.begin(asked(item_id), items)

    # When, then
    with pytest.raises(ImagesFull):
        uploads.begin(asked(item_id), items)
    items.delete("acme", item_id, versions={1})
    with pytest.raises(ItemNotFound):
        uploads.begin(asked(item_id), items)


def test_what_was_decided_first_stays(
    client: Any, uploads: DynamoUploads, items: DynamoItems, item_id: str, clock: Clock
) -> None:
    # Given
    good, bad = (asked(item_id) for _ in range(2))
    for upload in (good, bad):
        uploads.begin(upload, items)
    clock.now += 60

    # When, then
    assert [uploads.ready(good, "v1"), uploads.ready(good, "v1")] == [True, True]
    assert uploads.fail(good, "no picture", file="v2") is False
    fails = [uploads.fail(bad, reason, file="v1") for reason in ("no picture", "again")]
    assert fails == [True, False]
    assert uploads.ready(bad, "v1") is False

    # Then
    found = [uploads.find(upload.key) for upload in (good, bad)]
    assert [(one.status, one.reason) for one in found if one] == [
        ("ready", None),
        ("failed", "no picture"),
    ]
    failed = next(row for row in rows(client) if row["sk"]["S"] == bad.key.image_id)
    assert failed["expires_at"]["N"] == str(int(clock.now) + 30 * DAY)


def test_only_the_file_that_made_an_upload_ready_last_can_fail_it(
    uploads: DynamoUploads, items: DynamoItems, item_id: str
) -> None:
    # Given
    upload = asked(item_id)
    uploads.begin(upload, items)
    uploads.ready(upload, "v1")
    uploads.ready(upload, "v2")

    # When, then
    assert uploads.fail(upload, "gone", file="v1") is False
    assert uploads.fail(upload, "gone", file="") is False
    assert uploads.fail(upload, "no room", file="v2") is True
    found = uploads.find(upload.key)
    assert found is not None
    assert (found.status, found.reason) == ("failed", "no room")
    assert uploads.ready(upload, "v1") is False


def test_an_upload_whose_row_is_gone_becomes_nothing(
    client: Any, uploads: DynamoUploads, item_id: str
) -> None:
    upload = asked(item_id)
    assert uploads.ready(upload, "v1") is False
    assert uploads.fail(upload, "no picture", file="v1") is False
    assert rows(client) == []


def test_an_upload_that_nobody_asked_for_fails_once(client: Any, uploads: DynamoUploads) -> None:
    # When
    upload = Upload.unasked(UploadKey("_unknown", "unknown", "1"), now=NOW)
    news = [uploads.fail(upload, reason, file="v1") for reason in ("odd key", "again")]

    # Then
    assert news == [True, False]
    (row,) = rows(client)
    assert row["pk"] == {"S": "_unknown#unknown"}
    assert (row["status"], row["reason"]) == ({"S": "failed"}, {"S": "odd key"})
    assert row.keys() >= {"tenant", "item_id", "image_id", "created_at", "expires_at"}
    assert row.keys().isdisjoint({"content_type", "created_by"})
    found = uploads.find(upload.key)
    assert found is not None
    assert (found.content_type, found.created_by) == (None, None)


def test_all_uploads_of_an_item_are_removed_and_no_others(
    client: Any, uploads: DynamoUploads, items: DynamoItems, item_id: str
) -> None:
    # Given
    other = new_item()
    items.add(other)
    kept = asked(other.id)
    for upload in (*(asked(item_id) for _ in range(5)), kept):
        uploads.begin(upload, items)

    # When
    uploads.remove_all("acme", item_id)
    uploads.remove_all("acme", item_id)

    # Then
    assert [row["sk"]["S"] for row in rows(client)] == [kept.key.image_id]


def test_rows_are_read_to_the_last_page(client: Any) -> None:
    # Given a table whose pages hold two rows
    class Paged:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def query(self, **query: Any) -> Any:
            return client.query(**query, Limit=2)

    items = DynamoItems(client, DynamoItemsSettings(ITEMS, 4))
    item = new_item()
    items.add(item)
    uploads = DynamoUploads(
        Paged(), DynamoUploadsSettings(IMAGE_UPLOADS), clock=lambda: NOW.timestamp()
    )

    # When, then
    for _ in range(20):
        uploads.begin(asked(item.id), items)
    with pytest.raises(ImagesFull):
        uploads.begin(asked(item.id), items)
    uploads.remove_all("acme", item.id)
    assert rows(client) == []


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (["TransactionConflict", "None"], DependencyUnavailable),
        (["None", "ThrottlingError"], DependencyUnavailable),
        (["None", "ValidationError"], ClientError),
        ([], ClientError),
    ],
)
def test_a_transaction_that_may_succeed_later_is_unavailable(
    client: Any, items: DynamoItems, reasons: list[str], expected: type[Exception]
) -> None:
    # Given
    class Cancelling:
        def query(self, **_: Any) -> Any:
            return {"Items": []}

        def transact_write_items(self, **_: Any) -> Any:
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": code} for code in reasons],
            }
            raise ClientError(answer, "TransactWriteItems")

    uploads = DynamoUploads(Cancelling(), DynamoUploadsSettings(IMAGE_UPLOADS))

    # When, then
    with pytest.raises(expected):
        uploads.begin(asked("1"), items)


@pytest.mark.parametrize("call", ["ready", "fail", "fail unasked"])
def test_faults_of_ours_stay_visible(call: str) -> None:
    class Denied:
        def __getattr__(self, name: str) -> Any:
            def deny(**_: Any) -> Any:
                raise ClientError({"Error": {"Code": "AccessDeniedException"}}, name)

            return deny

    uploads = DynamoUploads(Denied(), DynamoUploadsSettings(IMAGE_UPLOADS))
    unasked = Upload.unasked(UploadKey("_unknown", "unknown", "1"), now=NOW)
    calls = {
        "ready": lambda: uploads.ready(asked("1"), "v1"),
        "fail": lambda: uploads.fail(asked("1"), "no picture", file="v1"),
        "fail unasked": lambda: uploads.fail(unasked, "odd key", file="v1"),
    }
    with pytest.raises(ClientError, match="AccessDenied"):
        calls[call]()
