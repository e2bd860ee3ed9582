"""The functions of images, from event to answer and to what they leave in AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.images.model import UploadKey
from tests.fakes.event_sources import object_created, stream_record
from tests.fakes.gateway import LambdaContext, assert_problem, event
from tests.fakes.pictures import jpeg
from tests.fakes.tables import IMAGE_UPLOADS, ITEMS

if TYPE_CHECKING:
    from collections.abc import Callable

UPLOADS = "itemstream-test-uploads"
PROCESSED = "itemstream-test-processed"
MISSING = "01900000-0000-7000-8000-000000000000"


class Images:
    """The functions behind one another, with their buckets."""

    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load
        self._modules: dict[str, Any] = {}
        self.s3 = aws_client("s3")
        for bucket in (UPLOADS, PROCESSED):
            self.s3.create_bucket(Bucket=bucket)

    def module(self, name: str) -> Any:
        if name not in self._modules:
            self._modules[name] = self._load(f"functions.{name}")
        return self._modules[name]

    def call(self, function: str, route: str, **request: Any) -> dict[str, Any]:
        handler = self.module(f"crud.{function}").handler
        answer: dict[str, Any] = handler(event(route, **request), LambdaContext())
        return answer

    def item(self) -> str:
        made = self.call("create_item", "POST /items", body={"name": "Oak table"})
        return str(json.loads(made["body"])["id"])

    def delete(self, item_id: str) -> None:
        headers = {"If-Match": "*"}
        self.call("delete_item", "DELETE /items/{id}", path={"id": item_id}, headers=headers)

    def ask(self, item_id: str, content_type: Any = "image/jpeg", **request: Any) -> dict[str, Any]:
        return self.call(
            "create_image_upload",
            "POST /items/{id}/images",
            path={"id": item_id},
            body={"content_type": content_type},
            **request,
        )

    def asked(self, item_id: str) -> UploadKey:
        answer = self.ask(item_id)
        assert answer["statusCode"] == 201, answer
        return UploadKey("acme", item_id, json.loads(answer["body"])["image_id"])

    def put(self, key: UploadKey | str, body: bytes) -> None:
        self.s3.put_object(Bucket=UPLOADS, Key=str(key), Body=body)

    def process(self, key: UploadKey | str, size: int = 1) -> None:
        created = object_created(UPLOADS, str(key), size=size, version_id=None)
        handler = self.module("processors.image_processor").handler
        handler({"Records": [created]}, LambdaContext())

    def removed(self, item_id: str, kind: str = "REMOVE") -> dict[str, Any]:
        row = {"pk": "acme#2", "sk": item_id, "name": "Oak table"}
        change = (None, row) if kind == "REMOVE" else (row, None)
        records = {"Records": [stream_record(ITEMS, *change)]}
        handler = self.module("processors.image_remover").handler
        answer: dict[str, Any] = handler(records, LambdaContext())
        return answer

    def get(self, item_id: str, image_id: str, **request: Any) -> dict[str, Any]:
        return self.call(
            "get_image",
            "GET /items/{id}/images/{image_id}",
            path={"id": item_id, "image_id": image_id},
            **request,
        )

    def image(self, key: UploadKey) -> dict[str, Any]:
        answer = self.get(key.item_id, key.image_id)
        assert answer["statusCode"] == 200, answer
        return dict(json.loads(answer["body"]))

    def keys(self, bucket: str) -> list[str]:
        return [
            found["Key"] for found in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        ]

    def rows(self) -> list[dict[str, Any]]:
        return list(aws_client("dynamodb").scan(TableName=IMAGE_UPLOADS)["Items"])


@pytest.fixture
def images(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Images:
    monkeypatch.setenv("IMAGE_UPLOADS_TABLE", IMAGE_UPLOADS)
    monkeypatch.setenv("UPLOADS_BUCKET", UPLOADS)
    monkeypatch.setenv("PROCESSED_BUCKET", PROCESSED)
    return Images(load)


def test_an_image_from_the_form_to_its_end(images: Images) -> None:
    # When it is asked for
    item_id = images.item()
    answer = images.ask(item_id)

    # Then there is a form
    asked = json.loads(answer["body"])
    assert answer["statusCode"] == 201
    assert answer["headers"]["Location"] == f"images/{asked['image_id']}"
    assert asked.keys() == {"image_id", "upload"}
    assert asked["upload"].keys() == {"url", "fields", "expires_at"}
    assert asked["upload"]["expires_at"].endswith("Z")
    key = UploadKey("acme", item_id, asked["image_id"])
    assert asked["upload"]["fields"]["key"] == str(key)
    assert images.image(key) == {
        "image_id": key.image_id,
        "status": "pending",
        "reason": None,
        **dict.fromkeys(("width", "height", "dominant_color", "placeholder", "animated")),
        "renditions": [],
    }

    # When it is uploaded
    images.put(key, jpeg(400, 300))
    images.process(key)

    # Then it is ready, and its renditions have addresses instead of keys
    image = images.image(key)
    assert (image["status"], image["width"], image["height"]) == ("ready", 400, 300)
    assert image["placeholder"].startswith("data:image/webp;base64,")
    assert len(image["renditions"]) == len(images.keys(PROCESSED)) == 6
    for rendition in image["renditions"]:
        assert rendition.keys() == {"width", "height", "content_type", "bytes", "url"}
        assert "X-Amz-Signature" in rendition["url"]

    # When its item is deleted, then nothing is left of it
    images.delete(item_id)
    assert images.removed(item_id) == {"batchItemFailures": []}
    assert (images.keys(UPLOADS), images.keys(PROCESSED), images.rows()) == ([], [], [])
    assert_problem(images.get(item_id, key.image_id), 404)


def test_an_upload_that_is_decided_but_not_there_yet_is_pending(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    key = images.asked(images.item())
    images.put(key, jpeg())
    processing = images.module("processors.image_processor").processing

    def away(*_: Any, **__: Any) -> None:
        raise DependencyUnavailable("DynamoDB")

    monkeypatch.setattr(processing.items, "add_image", away)

    # When
    with pytest.raises(DependencyUnavailable):
        images.process(key)

    # Then
    assert images.rows()[0]["status"] == {"S": "ready"}
    assert images.image(key)["status"] == "pending"


def test_a_bad_picture_is_logged_and_counted_and_not_tried_again(
    images: Images, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    key = images.asked(images.item())
    images.put(key, b"no picture")
    log()

    # When
    images.process(key)

    # Then
    line = next(line for line in log() if line.get("message") == "processed")
    assert line["outcome"] == "failed"
    assert "not a JPEG" in line["reason"]
    assert (line["tenant"], line["item"], line["image"]) == ("acme", key.item_id, key.image_id)
    image = images.image(key)
    assert (image["status"], image["reason"]) == ("failed", line["reason"])
    assert images.keys(PROCESSED) == []


def test_outcomes_are_counted_and_timed(
    images: Images, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given a good upload, a bad one, and one of an item that is gone
    good, bad, gone = (images.asked(images.item()) for _ in range(3))
    images.put(good, jpeg())
    images.put(bad, b"no picture")
    images.put(gone, jpeg())
    images.delete(gone.item_id)
    log()

    # When, the good one twice
    for key in (good, bad, gone, good):
        images.process(key)

    # Then
    metrics = [line for line in log() if "_aws" in line]
    for metric in ("ImagesReady", "ImagesFailed", "ImagesRemoved"):
        assert sum(sum(line.get(metric, [])) for line in metrics) == 1, metric
    assert len([line for line in metrics if "ImageProcessing" in line]) == 3
    assert images.keys(UPLOADS) == sorted([str(good), str(bad)])


def test_a_file_under_an_odd_key_fails_and_is_not_quoted_in_the_log(
    images: Images, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    item_id = images.item()
    name = f"uploads/acme/{item_id}/Erika Müller + 100%.jpg"
    images.put(name, jpeg())
    log()

    # When
    images.process(name)

    # Then
    (row,) = images.rows()
    assert row["pk"] == {"S": f"acme#{item_id}"}
    assert (row["status"], row["tenant"], row["item_id"]) == (
        {"S": "failed"},
        {"S": "acme"},
        {"S": item_id},
    )
    assert "Erika" not in json.dumps(log(), ensure_ascii=False)


def test_removing_twice_does_no_harm_and_other_items_stay(images: Images) -> None:
    # Given
    deleted, other = images.asked(images.item()), images.asked(images.item())
    for key in (deleted, other):
        images.put(key, jpeg(100, 100))
        images.process(key)

    # When
    images.removed(deleted.item_id)
    images.removed(deleted.item_id)
    images.removed(other.item_id, kind="INSERT")

    # Then
    assert images.keys(UPLOADS) == [str(other)]
    assert all(other.item_id in key for key in images.keys(PROCESSED))
    assert [row["sk"]["S"] for row in images.rows()] == [other.image_id]


def test_a_removal_that_fails_is_tried_again(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    remover = images.module("processors.image_remover")

    def away(prefix: str) -> None:
        raise DependencyUnavailable("S3")

    monkeypatch.setattr(remover.renditions, "remove_below", away)

    # When, then
    assert len(images.removed(MISSING)["batchItemFailures"]) == 1


@pytest.mark.parametrize("content_type", ["image/svg+xml", "IMAGE/PNG", "", None, 1])
def test_other_types_are_refused(images: Images, content_type: Any) -> None:
    assert_problem(images.ask(images.item(), content_type), 400, "content_type")
    assert images.rows() == []


def test_an_item_takes_twenty_images_at_most(images: Images) -> None:
    item_id = images.item()
    for _ in range(20):
        images.asked(item_id)
    problem = assert_problem(images.ask(item_id), 409)
    assert problem["type"] == "urn:itemstream:problem:too-many-images"


def test_tenants_do_not_see_each_others_images(images: Images) -> None:
    key = images.asked(images.item())
    assert_problem(images.ask(key.item_id, tenant="other"), 404)
    assert_problem(images.get(key.item_id, key.image_id, tenant="other"), 404)


def test_what_is_not_there_is_not_found(images: Images) -> None:
    item_id = images.item()
    assert assert_problem(images.ask(MISSING), 404)["type"].endswith("item-not-found")
    assert assert_problem(images.get(item_id, MISSING), 404)["type"].endswith("image-not-found")
    assert_problem(images.get(MISSING, MISSING), 404)
    assert_problem(images.get(item_id, "1"), 400, "image_id")


def test_scopes_are_asked_for(images: Images) -> None:
    item_id = images.item()
    assert_problem(images.ask(item_id, scopes="items:read"), 403)
    assert_problem(images.get(item_id, MISSING, scopes="items:write"), 403)
