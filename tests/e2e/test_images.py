"""Pictures of items, from the form to the renditions, with real uploads to S3."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tests.fakes.pictures import bomb, gif, jpeg, opened, png, saved, webp
from tests.local_stack import assert_problem
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller, LocalStack

MISSING = "01900000-0000-7000-8000-000000000000"
FILES: dict[str, Callable[[], bytes]] = {
    "image/jpeg": lambda: jpeg(1800, 1200),
    "image/png": lambda: png(400, 300),
    "image/webp": lambda: webp(400, 300),
    "image/gif": lambda: gif(400, 300, frames=3),
}


class Uploads:
    """A caller who uploads pictures."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.tenant = caller.tenant

    def ask(self, item_id: str, content_type: str = "image/jpeg") -> httpx.Response:
        body = {"content_type": content_type}
        return self.caller.http.post(f"items/{item_id}/images", json=body)

    def asked(self, item_id: str, content_type: str = "image/jpeg") -> dict[str, Any]:
        answer = self.ask(item_id, content_type)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def uploaded(self, item_id: str, body: bytes, content_type: str = "image/jpeg") -> str:
        asked = self.asked(item_id, content_type)
        answer = post(asked, body)
        assert answer.status_code == 204, answer.text
        return str(asked["image_id"])

    def image(self, item_id: str, image_id: str) -> dict[str, Any]:
        answer = self.caller.http.get(f"items/{item_id}/images/{image_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def settled(self, item_id: str, image_id: str) -> dict[str, Any]:
        def image() -> dict[str, Any] | None:
            found = self.image(item_id, image_id)
            return found if found["status"] != "pending" else None

        found = eventually(image, within=60, what="the image's outcome")
        assert found is not None
        return found


def post(asked: dict[str, Any], body: bytes, **changes: str | None) -> httpx.Response:
    """Post a file with the form's fields, or with some of them changed or left out."""
    fields = {**asked["upload"]["fields"], **{n.replace("_", "-"): v for n, v in changes.items()}}
    data = {name: value for name, value in fields.items() if value is not None}
    return httpx.post(
        asked["upload"]["url"], data=data, files={"file": ("a picture", body)}, timeout=60
    )


@pytest.fixture
def uploads(caller: Caller) -> Uploads:
    return Uploads(caller)


def keys(stack: LocalStack, bucket: str, prefix: str) -> set[str]:
    answer = stack.client("s3").list_objects_v2(
        Bucket=stack.status["buckets"][bucket], Prefix=prefix
    )
    return {found["Key"] for found in answer.get("Contents", [])}


def outcomes(stack: LocalStack, image_id: str) -> list[str]:
    """Return what the processor logged of an image, one line for each time that it looked."""
    group = f"/aws/lambda/{stack.function('image_processor')}"
    pages = stack.client("logs").get_paginator("filter_log_events")
    events = [
        event["message"]
        for page in pages.paginate(logGroupName=group, filterPattern=f'"{image_id}"')
        for event in page["events"]
    ]
    lines = [json.loads(event) for event in events if event.startswith("{")]
    return [line["outcome"] for line in lines if line["message"] == "processed"]


@pytest.mark.parametrize("content_type", FILES)
def test_an_uploaded_picture_becomes_an_image_of_its_item(
    uploads: Uploads, content_type: str
) -> None:
    # Given
    item = uploads.caller.created()
    asked = uploads.ask(item["id"], content_type)
    image_id = asked.json()["image_id"]
    address = urljoin(str(asked.url), asked.headers["location"])
    assert uploads.caller.http.get(address).json()["status"] == "pending"

    # When
    assert post(asked.json(), FILES[content_type]()).status_code == 204

    # Then its renditions can be read by anybody who has their addresses, and are what they say
    image = uploads.settled(item["id"], image_id)
    assert (image["status"], image["reason"]) == ("ready", None)
    original = opened(FILES[content_type]())
    assert (image["width"], image["height"]) == original.size
    assert image["animated"] == (content_type == "image/gif")
    for rendition in image["renditions"]:
        answer = httpx.get(rendition["url"])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == rendition["content_type"]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert len(answer.content) == rendition["bytes"]
        assert opened(answer.content).size == (rendition["width"], rendition["height"])
    wanted = {min(width, original.width) for width in (1600, 800, 320, 128)}
    assert {rendition["width"] for rendition in image["renditions"]} == wanted
    assert len(image["renditions"]) == 2 * len(wanted)

    # Then the item has it, at its next version
    read = uploads.caller.get(item["id"])
    assert read.headers["etag"] == '"2"'
    (of_item,) = read.json()["images"]
    assert of_item["id"] == image_id
    assert of_item["placeholder"] == image["placeholder"]
    assert of_item["content_type"] == content_type
    assert read.json()["updated_at"] > item["updated_at"]


def test_an_upload_that_is_repeated_changes_nothing(stack: LocalStack, uploads: Uploads) -> None:
    # Given an image that is ready
    item = uploads.caller.created()
    asked = uploads.asked(item["id"])
    post(asked, jpeg(seed=1))
    before = uploads.settled(item["id"], asked["image_id"])

    # When its form is used again, for the same picture, another one and a bad one
    for body in (jpeg(seed=1), png(seed=2), b"<html>"):
        assert post(asked, body).status_code == 204

    # Then, once all of them were looked at, all is as it was
    eventually(lambda: outcomes(stack, asked["image_id"]) == ["ready", *["known"] * 3], within=60)
    after = uploads.image(item["id"], asked["image_id"])
    assert without_urls(after) == without_urls(before)
    read = uploads.caller.get(item["id"]).json()
    assert [image["id"] for image in read["images"]] == [asked["image_id"]]
    assert read["version"] == 2
    assert len(keys(stack, "processed", f"images/{uploads.tenant}/")) == len(before["renditions"])


def without_urls(image: dict[str, Any]) -> dict[str, Any]:
    renditions = [{**rendition, "url": None} for rendition in image["renditions"]]
    return {**image, "renditions": renditions}


def test_pictures_that_are_uploaded_at_once_are_all_there(uploads: Uploads) -> None:
    # Given
    item = uploads.caller.created()
    asked = [uploads.asked(item["id"]) for _ in range(6)]

    # When
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: post(one, jpeg(200, 100)), asked))

    # Then
    ids = [one["image_id"] for one in asked]
    assert {uploads.settled(item["id"], image_id)["status"] for image_id in ids} == {"ready"}
    read = uploads.caller.get(item["id"]).json()
    assert sorted(image["id"] for image in read["images"]) == sorted(ids)
    assert read["version"] == 7


BAD_FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "truncated": ("image/jpeg", lambda: jpeg()[:-2000], "ends before"),
    "a bomb": ("image/png", bomb, "30000 by 30000 pixels"),
    "of another type": ("image/jpeg", png, "image/png, not image/jpeg"),
    "no picture": ("image/webp", lambda: b"<html>" * 100, "not a JPEG"),
    "a picture and a page": ("image/gif", lambda: gif() + b"<script>alert(1)</script>", "follows"),
    "damaged": ("image/png", lambda: png()[:5000] + b"\0" * 50 + png()[5050:], "damaged"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_picture_fails_with_its_reason_at_the_first_try(
    stack: LocalStack, uploads: Uploads, bad: str
) -> None:
    # Given
    content_type, body, reason = BAD_FILES[bad]
    item = uploads.caller.created()

    # When
    image = uploads.settled(item["id"], uploads.uploaded(item["id"], body(), content_type))

    # Then
    assert image["status"] == "failed"
    assert reason in image["reason"]
    assert image["renditions"] == []
    assert uploads.caller.get(item["id"]).json() == item
    assert keys(stack, "processed", f"images/{uploads.tenant}/") == set()
    eventually(lambda: outcomes(stack, image["image_id"]) == ["failed"], what="one failure")


def test_s3_takes_only_what_was_permitted(stack: LocalStack, uploads: Uploads) -> None:
    # Given
    item = uploads.caller.created()
    asked = uploads.asked(item["id"])
    key = asked["upload"]["fields"]["key"]
    other = key.replace(uploads.tenant, "somebody-else")

    # When it is used for another key, another type, other metadata, no metadata, too much, nothing
    answers = [
        post(asked, jpeg(), key=other),
        post(asked, png(), Content_Type="image/svg+xml"),
        post(asked, jpeg(), x_amz_meta_subject="somebody else"),
        post(asked, jpeg(), x_amz_meta_tenant=None),
        post(asked, bytes(20 * 1024 * 1024 + 1)),
        post(asked, b""),
        post(asked, jpeg(), policy="e30="),
    ]

    # Then
    assert {answer.status_code for answer in answers} <= {400, 403}, [a.text for a in answers]
    assert keys(stack, "uploads", f"uploads/{uploads.tenant}/") == set()
    assert keys(stack, "uploads", other) == set()
    assert uploads.image(item["id"], asked["image_id"])["status"] == "pending"

    # Then as it was meant it still works, and S3 keeps whose it is
    assert post(asked, jpeg()).status_code == 204
    kept = stack.client("s3").head_object(Bucket=stack.status["buckets"]["uploads"], Key=key)
    assert kept["ContentType"] == "image/jpeg"
    assert kept["Metadata"] == {
        "tenant": uploads.tenant,
        "item": item["id"],
        "image": asked["image_id"],
        "subject": "tester",
    }


@pytest.mark.parametrize(
    "name",
    [
        "uploads/{tenant}/../other/{item}/x",
        "uploads/{tenant}/{item}/a picture + 100%.jpg",
        "uploads/{tenant}/{item}/größe-写真.jpg",
        "uploads/{tenant}/{item}/%2e%2e%2f",
        "uploads/{tenant}/{item}/" + MISSING,
    ],
)
def test_a_file_under_a_key_that_is_none_of_ours_fails_with_a_reason(
    stack: LocalStack, uploads: Uploads, name: str
) -> None:
    # Given
    item = uploads.caller.created()
    key = name.format(tenant=uploads.tenant, item=item["id"])

    # When somebody puts a file there past the API
    stack.client("s3").put_object(
        Bucket=stack.status["buckets"]["uploads"], Key=key, Body=jpeg(), ContentType="image/jpeg"
    )

    # Then it is known as failed, and nothing else changes
    def row() -> dict[str, Any] | None:
        rows = stack.client("dynamodb").scan(
            TableName=stack.table("image_uploads"),
            FilterExpression="tenant = :tenant",
            ExpressionAttributeValues={":tenant": {"S": uploads.tenant}},
            ConsistentRead=True,
        )["Items"]
        return dict(rows[0]) if rows else None

    failed = eventually(row, within=60, what="the failed upload")
    assert failed is not None
    assert failed["status"]["S"] == "failed"
    assert failed["reason"]["S"]
    assert uploads.caller.get(item["id"]).json() == item


def test_the_images_of_a_deleted_item_are_removed(stack: LocalStack, uploads: Uploads) -> None:
    # Given an item with an image, an upload that failed, and one that is still awaited
    item = uploads.caller.created()
    ready = uploads.uploaded(item["id"], jpeg())
    failed = uploads.uploaded(item["id"], b"no picture")
    awaited = uploads.asked(item["id"])
    uploads.settled(item["id"], ready)
    uploads.settled(item["id"], failed)
    prefix = f"{uploads.tenant}/{item['id']}/"
    assert keys(stack, "uploads", f"uploads/{prefix}")
    assert keys(stack, "processed", f"images/{prefix}")

    # When
    assert uploads.caller.delete(item["id"], "*").status_code == 204

    # Then nothing is left
    def left() -> set[str]:
        found = keys(stack, "uploads", f"uploads/{prefix}")
        return found | keys(stack, "processed", f"images/{prefix}") | rows(stack, prefix[:-1])

    eventually(lambda: not left(), within=60, what="nothing left")
    assert_problem(uploads.caller.http.get(f"items/{item['id']}/images/{ready}"), 404)

    # When the one that was awaited comes after all, then it is removed too
    assert post(awaited, jpeg()).status_code == 204
    eventually(lambda: not left(), within=60, what="the late upload's removal")


def rows(stack: LocalStack, item: str) -> set[str]:
    answer = stack.client("dynamodb").query(
        TableName=stack.table("image_uploads"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": item.replace("/", "#")}},
        ConsistentRead=True,
    )
    return {json.dumps(row["sk"]) for row in answer["Items"]}


def test_images_are_their_tenants_own(
    stack: LocalStack, uploads: Uploads, make_caller: Callable[..., Caller]
) -> None:
    # Given
    item = uploads.caller.created()
    image_id = uploads.uploaded(item["id"], jpeg())
    image = uploads.settled(item["id"], image_id)
    theirs = Uploads(make_caller())

    # When, then
    assert_problem(theirs.ask(item["id"]), 404)
    assert_problem(theirs.caller.http.get(f"items/{item['id']}/images/{image_id}"), 404)
    # And an address is good for its own rendition only
    url = httpx.URL(image["renditions"][0]["url"])
    other = image["renditions"][1]["url"].partition("?")[0]
    assert httpx.get(url.copy_with(query=None)).status_code == 403
    assert httpx.get(f"{other}?{url.query.decode()}").status_code == 403


def test_an_item_has_twenty_images_at_most(uploads: Uploads) -> None:
    # Given
    item = uploads.caller.created()
    for _ in range(20):
        uploads.asked(item["id"])

    # When, then
    problem = assert_problem(uploads.ask(item["id"]), 409)
    assert problem["type"].endswith("too-many-images")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content_type": "image/svg+xml"}, "content_type"),
        ({"content_type": 1}, "content_type"),
        ({"content_type": "image/png", "size": 1}, "size"),
        ({}, "content_type"),
    ],
)
def test_a_bad_request_for_an_upload_names_its_field(
    caller: Caller, body: dict[str, Any], field: str
) -> None:
    item = caller.created()
    assert_problem(caller.http.post(f"items/{item['id']}/images", json=body), 400, field)


def test_what_is_not_there_is_not_found(uploads: Uploads) -> None:
    item = uploads.caller.created()
    assert_problem(uploads.ask(MISSING), 404)
    missing = uploads.caller.http.get(f"items/{item['id']}/images/{uuid4()}")
    assert assert_problem(missing, 404)["type"].endswith("image-not-found")
    assert_problem(uploads.caller.http.get(f"items/{item['id']}/images/1"), 400, "image_id")


def test_uploads_need_the_scope_to_write(make_caller: Callable[..., Caller]) -> None:
    item = make_caller(tenant := f"t-{uuid4().hex[:12]}").created()
    reader = Uploads(make_caller(tenant, "items:read"))
    assert_problem(reader.ask(item["id"]), 403)


def test_a_rotated_transparent_picture_is_shown_as_it_is_looked_at(uploads: Uploads) -> None:
    # Given a picture that lies on its side and is red on the left, transparent on the right
    lying = Image.new("RGBA", (400, 200), (255, 0, 0, 255))
    lying.paste((0, 0, 0, 0), (200, 0, 400, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a private note"
    item = uploads.caller.created()

    # When
    body = saved(lying, "PNG", exif=exif)
    image = uploads.settled(item["id"], uploads.uploaded(item["id"], body, "image/png"))

    # Then it stands, red above; JPEG is white below, and nothing else of the file is left
    assert (image["width"], image["height"]) == (200, 400)
    for rendition in image["renditions"]:
        content = httpx.get(rendition["url"]).content
        assert b"private" not in content
        shown = opened(content)
        assert shown.getpixel((20, 20))[:3] == pytest.approx((254, 0, 0), abs=4)
        below = shown.getpixel((20, shown.height - 20))
        if rendition["content_type"] == "image/webp":
            assert below[3] == 0
        else:
            assert below == pytest.approx((255, 255, 255), abs=2)
