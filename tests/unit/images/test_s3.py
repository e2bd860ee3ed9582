"""Files in S3: signed requests, downloads, renditions, removal, and what S3's failures mean."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.images import UploadGone
from itemstream.images.model import Upload
from itemstream.images.s3 import S3Originals, S3Renditions
from tests.fakes.content import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "itemstream-test-bucket"
ITEM = "01a1fc6a-9e31-71b5-8a6f-0d9a3c1b2e4f"


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        s3 = aws_client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield s3


@pytest.fixture
def originals(client: Any, monkeypatch: pytest.MonkeyPatch) -> S3Originals:
    monkeypatch.setenv("UPLOADS_BUCKET", BUCKET)
    return S3Originals.from_environment()


@pytest.fixture
def renditions(client: Any, monkeypatch: pytest.MonkeyPatch) -> S3Renditions:
    monkeypatch.setenv("PROCESSED_BUCKET", BUCKET)
    return S3Renditions.from_environment()


def keys(client: Any) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_form_is_good_for_one_file_and_ten_minutes(originals: S3Originals) -> None:
    # When
    upload = Upload.begin("acme", ITEM, "image/png", created_by="alice@acme", now=NOW)
    form = originals.form(upload)

    # Then every field that is sent is part of what was signed
    fields = form["fields"]
    policy = json.loads(base64.b64decode(fields["policy"]))
    conditions = policy["conditions"]
    signed = {
        name: value
        for condition in conditions
        if isinstance(condition, dict)
        for name, value in condition.items()
    }
    assert ["content-length-range", 1, 20 * 1024 * 1024] in conditions
    sent = {
        name: value for name, value in fields.items() if name not in ("policy", "x-amz-signature")
    }
    assert signed == {**sent, "bucket": BUCKET}
    assert fields["key"] == f"uploads/acme/{ITEM}/{upload.key.image_id}"
    assert fields["Content-Type"] == "image/png"
    assert {n: v for n, v in fields.items() if n.startswith("x-amz-meta-")} == {
        "x-amz-meta-tenant": "acme",
        "x-amz-meta-item": ITEM,
        "x-amz-meta-image": upload.key.image_id,
        "x-amz-meta-subject": "alice@acme",
    }
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now().astimezone()
    assert 590 < left.total_seconds() <= 600


def test_an_address_is_good_for_one_rendition_and_an_hour(renditions: S3Renditions) -> None:
    url = urlsplit(renditions.url("images/a b+c.webp"))
    query = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert url.path.endswith("/images/a%20b%2Bc.webp")
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Expires"] == "3600"


def test_the_version_that_is_meant_is_fetched(
    client: Any, originals: S3Originals, tmp_path: Path
) -> None:
    # Given
    large = bytes(range(256)) * 10_000
    first = client.put_object(Bucket=BUCKET, Key="a b", Body=large)["VersionId"]
    client.put_object(Bucket=BUCKET, Key="a b", Body=b"second")

    # When
    originals.download("a b", first, tmp_path / "first")
    originals.download("a b", None, tmp_path / "last")

    # Then
    assert (tmp_path / "first").read_bytes() == large
    assert (tmp_path / "last").read_bytes() == b"second"


def test_what_was_deleted_is_gone(client: Any, originals: S3Originals, tmp_path: Path) -> None:
    version = client.put_object(Bucket=BUCKET, Key="a", Body=b"x")["VersionId"]
    client.delete_object(Bucket=BUCKET, Key="a", VersionId=version)
    for key, version_id in (("a", None), ("a", version), ("never", None)):
        with pytest.raises(UploadGone):
            originals.download(key, version_id, tmp_path / "file")


def test_a_rendition_may_be_cached_for_ever(client: Any, renditions: S3Renditions) -> None:
    renditions.put("images/a.webp", b"picture", "image/webp")
    kept = client.get_object(Bucket=BUCKET, Key="images/a.webp")
    assert kept["Body"].read() == b"picture"
    assert kept["ContentType"] == "image/webp"
    assert kept["CacheControl"] == "public, max-age=31536000, immutable"


def test_a_rendition_is_sent_with_its_checksum() -> None:
    sent: dict[str, Any] = {}

    class Recording:
        def put_object(self, **put: Any) -> None:
            sent.update(put)

    S3Renditions(Recording(), BUCKET).put("images/a.webp", b"picture", "image/webp")
    assert base64.b64decode(sent["ChecksumSHA256"]) == hashlib.sha256(b"picture").digest()


def test_files_are_removed_and_those_that_are_gone_stay_gone(
    client: Any, renditions: S3Renditions
) -> None:
    for key in ("a", "b", "c"):
        renditions.put(key, b"x", "image/webp")
    renditions.remove(key for key in ("a", "c", "never"))
    renditions.remove([])
    assert keys(client) == ["b"]


def test_all_files_below_a_prefix_are_removed_and_no_others(client: Any) -> None:
    # Given more of them than S3 lists in one answer, some of odd names
    pages: list[Any] = []

    class Paged:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def list_objects_v2(self, **query: Any) -> Any:
            pages.append(query)
            return client.list_objects_v2(**query, MaxKeys=10)

    for number in range(25):
        client.put_object(Bucket=BUCKET, Key=f"images/acme/1/{number} %+ü", Body=b"x")
    for other in ("images/acme/10", "images/acme/1", "images/other/1/a"):
        client.put_object(Bucket=BUCKET, Key=other, Body=b"x")

    # When
    kept = {"images/acme/1/3 %+ü", "images/acme/1/20 %+ü"}
    S3Renditions(Paged(), BUCKET).remove_below("images/acme/1/", but=kept)

    # Then
    others = {"images/acme/1", "images/acme/10", "images/other/1/a"}
    assert set(keys(client)) == others | kept
    assert len(pages) == 3

    # When
    S3Renditions(client, BUCKET).remove_below("images/acme/1/")

    # Then
    assert set(keys(client)) == others


def answer(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Any",
    )


PASSING = [
    answer("SlowDown", 503),
    answer("SlowDown"),
    answer("InternalError", 500),
    answer("", 503),
    EndpointConnectionError(endpoint_url="https://s3"),
    ReadTimeoutError(endpoint_url="https://s3"),
]


def failing(error: Exception) -> Any:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            def fail(**_: Any) -> Any:
                raise error

            return fail

    return Failing()


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_throttles_and_outages_make_s3_unavailable(error: Exception, tmp_path: Path) -> None:
    renditions = S3Renditions(failing(error), BUCKET)
    for call in (
        lambda: S3Originals(failing(error), BUCKET).download("a", None, tmp_path / "file"),
        lambda: renditions.put("a", b"x", "image/webp"),
        lambda: renditions.remove(["a"]),
        lambda: renditions.remove_below("a"),
    ):
        with pytest.raises(DependencyUnavailable):
            call()


def test_faults_of_ours_stay_visible(tmp_path: Path) -> None:
    denied = answer("AccessDenied", 403)
    with pytest.raises(ClientError, match="AccessDenied"):
        S3Originals(failing(denied), BUCKET).download("a", None, tmp_path / "file")
    with pytest.raises(ClientError, match="AccessDenied"):
        S3Renditions(failing(denied), BUCKET).put("a", b"x", "image/webp")


@pytest.mark.parametrize(
    ("code", "expected"), [("InternalError", DependencyUnavailable), ("AccessDenied", ClientError)]
)
def test_a_removal_that_was_done_in_part_is_no_success(
    code: str, expected: type[Exception]
) -> None:
    class Partly:
        def delete_objects(self, **_: Any) -> Any:
            return {"Errors": [{"Key": "b", "Code": code, "Message": "no"}]}

    with pytest.raises(expected):
        S3Renditions(Partly(), BUCKET).remove(["a", "b"])


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://s3"),
        ResponseStreamingError(error="broken"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path, error: Exception) -> None:
    class Body:
        def iter_chunks(self, size: int) -> Iterator[bytes]:
            yield b"x"
            raise error

    class Breaking:
        def get_object(self, **_: Any) -> Any:
            return {"Body": Body()}

    with pytest.raises(DependencyUnavailable):
        S3Originals(Breaking(), BUCKET).download("a", None, tmp_path / "file")
