"""Keys of uploads: those that are ours, and what is told of others."""

from __future__ import annotations

from uuid import UUID

import pytest

from itemstream.images.model import Upload, UploadKey
from tests.fakes.content import NOW

ITEM = "01a1fc6a-9e31-71b5-8a6f-0d9a3c1b2e4f"
IMAGE = "01a1fc6a-9e31-71b5-8a6f-0d9a3c1b2e50"


def test_a_key_is_read_as_it_was_written() -> None:
    key = UploadKey("acme", ITEM, IMAGE)
    assert str(key) == f"uploads/acme/{ITEM}/{IMAGE}"
    assert UploadKey.parse(str(key)) == key


def test_a_new_upload_is_awaited_under_an_id_of_its_own() -> None:
    one, other = (
        Upload.begin("acme", ITEM, "image/png", created_by="alice", now=NOW) for _ in range(2)
    )
    assert one.key.image_id < other.key.image_id
    assert (one.status, one.created_by, one.reason) == ("pending", "alice", None)
    assert one.created_at == "2026-11-21T06:00:00.000Z"


@pytest.mark.parametrize(
    ("key", "tenant", "item"),
    [
        (f"uploads/acme/{ITEM}/a picture + 100%.jpg", "acme", ITEM),
        (f"uploads/acme/{ITEM}/größe-写真.jpg", "acme", ITEM),
        (f"uploads/acme/{ITEM}/{IMAGE}/more", "acme", ITEM),
        (f"uploads/acme/{ITEM}/{IMAGE.upper()}", "acme", ITEM),
        (f"uploads/acme/{ITEM}/", "acme", ITEM),
        (f"uploads/acme/../{ITEM}/{IMAGE}", "acme", "unknown"),
        (f"uploads/../acme/{ITEM}/{IMAGE}", "_unknown", "unknown"),
        (f"uploads//{ITEM}/{IMAGE}", "_unknown", ITEM),
        (f"uploads/a#b/{ITEM}/{IMAGE}", "_unknown", ITEM),
        (f"other/acme/{ITEM}/{IMAGE}", "acme", ITEM),
        ("uploads/acme", "acme", "unknown"),
        ("uploads/", "_unknown", "unknown"),
        ("\n", "_unknown", "unknown"),
    ],
)
def test_of_a_key_that_is_not_ours_only_what_is_sure_is_told(
    key: str, tenant: str, item: str
) -> None:
    assert UploadKey.parse(key) is None
    told = UploadKey.resembling(key)
    assert (told.tenant, told.item_id) == (tenant, item)
    assert str(UUID(told.image_id)) == told.image_id
    assert told == UploadKey.resembling(key)
    assert told.image_id != UploadKey.resembling(key + "x").image_id
