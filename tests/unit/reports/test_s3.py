"""Files of reports: whole whatever their length, and readable by who holds a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.reports.model import file_key
from itemstream.reports.s3 import PART_BYTES, S3ReportFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "itemstream-test-reports"
KEY = file_key("acme", "2026-W47", "r-1", "csv")


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        s3 = aws_client("s3")
        s3.create_bucket(Bucket=BUCKET)
        yield s3


@pytest.fixture
def files(client: Any, monkeypatch: pytest.MonkeyPatch) -> S3ReportFiles:
    monkeypatch.setenv("REPORTS_BUCKET", BUCKET)
    return S3ReportFiles.from_environment()


def content(client: Any) -> bytes:
    return bytes(client.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())


def uploads(client: Any) -> list[Any]:
    return list(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


@pytest.mark.parametrize(
    "length", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 12345]
)
def test_a_file_of_any_length_arrives_whole(client: Any, files: S3ReportFiles, length: int) -> None:
    # Given chunks that fit into no part evenly
    whole = bytes(number % 251 for number in range(1009)) * (length // 1009 + 1)
    whole = whole[:length]
    chunks = (whole[start : start + 70_001] for start in range(0, length, 70_001))

    # When
    files.put_stream(KEY, "csv", chunks)

    # Then
    assert content(client) == whole
    assert uploads(client) == []


def test_no_more_than_a_part_is_waiting_at_a_time(client: Any, files: S3ReportFiles) -> None:
    # Given chunks that say how far they were taken when a part is sent
    taken = 0
    behind: list[int] = []
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(5 * PART_BYTES // 65536):
            taken += 65536
            yield bytes(65536)

    upload_part = client.upload_part

    def counted(**what: Any) -> Any:
        nonlocal sent
        behind.append(taken - sent)
        sent += len(what["Body"])
        return upload_part(**what)

    client.upload_part = counted
    try:
        files.put_stream(KEY, "csv", chunks())
    finally:
        client.upload_part = upload_part

    # Then: the first part waits for the second, which says whether it is the only one
    assert len(behind) == 5
    assert max(behind[1:]) <= PART_BYTES + 65536


def test_what_breaks_in_the_middle_leaves_nothing(client: Any, files: S3ReportFiles) -> None:
    # Given
    def chunks() -> Iterator[bytes]:
        yield bytes(PART_BYTES)
        yield bytes(PART_BYTES)
        yield bytes(PART_BYTES)
        raise DependencyUnavailable("MySQL")

    # When
    with pytest.raises(DependencyUnavailable, match="MySQL"):
        files.put_stream(KEY, "csv", chunks())

    # Then
    assert uploads(client) == []
    assert client.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("form", "content_type", "disposition"),
    [
        ("html", "text/html; charset=utf-8", 'inline; filename="2026-W47-report.html"'),
        (
            "csv",
            "text/csv; charset=utf-8; header=present",
            'attachment; filename="2026-W47-changes.csv"',
        ),
        ("json", "application/json", 'attachment; filename="2026-W47-report.json"'),
    ],
)
def test_a_file_says_what_it_is(
    client: Any, files: S3ReportFiles, form: Any, content_type: str, disposition: str
) -> None:
    key = file_key("acme", "2026-W47", "r-1", form)
    files.put(key, form, b"content")
    head = client.head_object(Bucket=BUCKET, Key=key)
    assert (head["ContentType"], head["ContentDisposition"]) == (content_type, disposition)


def test_an_address_is_of_one_file_and_for_so_long(files: S3ReportFiles) -> None:
    split = urlsplit(files.url(KEY, seconds=600))
    assert split.path.endswith(KEY)
    assert parse_qs(split.query)["X-Amz-Expires"] == ["600"]


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> None:
            raise self.error

        return call


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"),
        ClientError(
            {"Error": {"Code": "?"}, "ResponseMetadata": {"HTTPStatusCode": 503}},  # type: ignore[typeddict-item]
            "PutObject",
        ),
        ReadTimeoutError(endpoint_url="http://s3"),
    ],
    ids=["throttled", "unavailable", "silent"],
)
def test_a_bucket_that_does_not_answer_is_unavailable(error: Exception) -> None:
    with pytest.raises(DependencyUnavailable, match="S3"):
        S3ReportFiles(Failing(error), BUCKET).put(KEY, "csv", b"")


def test_a_denied_call_stays_visible() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
    with pytest.raises(ClientError, match="AccessDenied"):
        S3ReportFiles(Failing(denied), BUCKET).put(KEY, "csv", b"")
