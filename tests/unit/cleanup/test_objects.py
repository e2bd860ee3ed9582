"""Objects that nobody needs, in a real versioned bucket: by age, by item, and by their version."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.cleanup import objects_s3
from itemstream.cleanup.objects import AbandonedUploads, OrphanRenditions
from itemstream.cleanup.objects_s3 import S3Versions
from itemstream.cleanup.pace import Pace
from itemstream.cleanup.tasks import Budget
from itemstream.images.model import Upload
from itemstream.items.model import Item, timestamp
from tests.fakes.images import InMemoryUploads
from tests.fakes.items import InMemoryItems
from tests.unit.cleanup.conftest import BUCKET

if TYPE_CHECKING:
    from itemstream.images.model import Status

DAY = 86400
PACE = Pace(1_000_000)
ITEM, OTHER, IMAGE = (f"01a1fc6a-9e31-71b5-8a6f-0d9a3c1b2e4{n}" for n in range(3))
USED, UNUSED = (f"images/acme/{ITEM}/{IMAGE}/{width}-aa.webp" for width in (320, 800))
ORPHAN = f"images/acme/{OTHER}/{IMAGE}/320-aa.webp"
STRANGE = "images/notes.txt"


def put(s3: Any, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")


def keys(s3: Any) -> set[str]:
    return {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def in_days(days: float) -> Any:
    return lambda: time.time() + days * DAY


@pytest.fixture
def items() -> InMemoryItems:
    items = InMemoryItems()
    item = Item.create("acme", {"name": "Oak table"}, created_by="alice", now=datetime.now(UTC))
    image = {"id": IMAGE, "renditions": [{"key": USED}]}
    document = {**item.document, "id": ITEM, "images": [image]}
    items.add(Item("acme", document))
    return items


def renditions(s3: Any, items: InMemoryItems, days: float = 1.1) -> OrphanRenditions:
    return OrphanRenditions(S3Versions(s3, BUCKET, PACE), items, clock=in_days(days))


def test_renditions_that_their_item_does_not_have_go(s3: Any, items: InMemoryItems) -> None:
    # Given
    put(s3, USED, UNUSED, ORPHAN, STRANGE)

    # When
    account = renditions(s3, items).run(Budget(100))

    # Then
    assert (account.found, account.removed, account.done) == (2, 2, True)
    assert keys(s3) == {USED, STRANGE}


def test_a_rendition_may_be_on_its_way_to_its_item_for_a_day(s3: Any, items: InMemoryItems) -> None:
    # Given
    put(s3, ORPHAN)

    # When
    account = renditions(s3, items, days=0.9).run(Budget(100))

    # Then
    assert account.found == 0
    assert keys(s3) == {ORPHAN}


def test_a_dry_run_counts_the_same_and_removes_nothing(s3: Any, items: InMemoryItems) -> None:
    # Given
    put(s3, USED, UNUSED, ORPHAN)

    # When
    account = renditions(s3, items).run(Budget(100, dry_run=True))

    # Then
    assert (account.found, account.removed, account.done) == (2, 2, True)
    assert keys(s3) == {USED, UNUSED, ORPHAN}


def test_a_rendition_that_is_stored_again_meanwhile_stays(s3: Any, items: InMemoryItems) -> None:
    # Given a processor that tries again just after the page was listed
    put(s3, ORPHAN)
    task = renditions(s3, items)
    page = S3Versions(s3, BUCKET, PACE).page("images/", None)
    unneeded = task.unneeded(page.versions)
    put(s3, ORPHAN)

    # When
    removal = S3Versions(s3, BUCKET, PACE).remove(unneeded)

    # Then
    assert removal.removed == 1
    assert keys(s3) == {ORPHAN}


def test_a_bucket_is_gone_through_page_by_page(
    s3: Any, items: InMemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three versions of each of several objects
    monkeypatch.setattr(objects_s3, "PAGE_VERSIONS", 4)
    orphans = {f"images/acme/{OTHER}/{IMAGE}/{number}-aa.webp" for number in range(10)}
    for _ in range(3):
        put(s3, USED, *orphans)
    task, position, runs = renditions(s3, items), None, 0

    # When
    while runs == 0 or position is not None:
        position, runs = task.run(Budget(0, position)).position, runs + 1

    # Then each current version is gone, and the ones before are left to the bucket's own rule
    assert runs > 3
    versions = s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert len([each for each in versions if each["Key"] in orphans]) == 20
    assert len([each for each in versions if each["Key"] == USED]) == 3


def upload(uploads: InMemoryUploads, status: Status, asked_days_ago: float = 0) -> str:
    asked = Upload.begin(
        "acme", ITEM, "image/png", created_by="alice", now=datetime.fromtimestamp(time.time(), UTC)
    )
    created_at = timestamp(datetime.fromtimestamp(time.time() - asked_days_ago * DAY, UTC))
    known = Upload(asked.key, status, "image/png", created_at, "alice")
    uploads.known[known.key] = known
    return str(known.key)


def test_uploads_whose_time_is_over_go(s3: Any) -> None:
    # Given
    uploads = InMemoryUploads()
    pending, failed = upload(uploads, "pending", 1), upload(uploads, "failed")
    unknown = f"uploads/acme/{ITEM}/{IMAGE}"
    put(s3, pending, failed, unknown, "uploads/not ours")
    versions = S3Versions(s3, BUCKET, PACE)

    # When
    early = AbandonedUploads(versions, uploads, clock=in_days(14.9)).run(Budget(100))
    late = AbandonedUploads(versions, uploads, clock=in_days(15.1)).run(Budget(100))

    # Then
    assert early.found == 0
    assert (late.found, late.removed) == (4, 4)
    assert keys(s3) == set()


def test_an_upload_that_may_still_become_an_image_stays(s3: Any) -> None:
    # Given a file that is older than its row says
    uploads = InMemoryUploads()
    awaited = [upload(uploads, "pending", -1), upload(uploads, "ready", -1)]
    put(s3, *awaited)

    # When
    account = AbandonedUploads(S3Versions(s3, BUCKET, PACE), uploads, clock=in_days(15.1)).run(
        Budget(100)
    )

    # Then
    assert account.found == 0
    assert keys(s3) == set(awaited)


def test_an_object_that_cannot_be_removed_is_an_error(
    s3: Any, items: InMemoryItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    put(s3, UNUSED, ORPHAN)
    answer = {"Errors": [{"Key": ORPHAN, "Code": "AccessDenied"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: answer)

    # When
    account = renditions(s3, items).run(Budget(100))

    # Then
    assert (account.found, account.removed, account.errors) == (2, 1, 1)
