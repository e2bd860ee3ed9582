"""A presigned POST to S3 takes what its policy says, and nothing else.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.integration.local_aws.conftest import REGION

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack

KEY = "uploads/demo/item/image"
POST = tuple[str, dict[str, str]]


@pytest.fixture
def s3(ministack: Ministack) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=ministack.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"trial-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def post(s3: Any, bucket: str) -> POST:
    """Permit one JPEG of at most 10 bytes under one key, with metadata."""
    fields = {"Content-Type": "image/jpeg", "x-amz-meta-tenant": "demo"}
    signed = s3.generate_presigned_post(
        bucket,
        KEY,
        Fields=fields,
        Conditions=[
            {"Content-Type": "image/jpeg"},
            {"x-amz-meta-tenant": "demo"},
            ["content-length-range", 1, 10],
        ],
        ExpiresIn=300,
    )
    return signed["url"], signed["fields"]


def upload(post: POST, content: bytes = b"abc", **changes: str | None) -> httpx.Response:
    """Send the form, with fields changed or (None) left out."""
    url, fields = post
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    form = {name: value for name, value in {**fields, **named}.items() if value is not None}
    return httpx.post(url, data=form, files={"file": ("a.jpg", content)}, trust_env=False)


def test_what_the_policy_says_is_taken(s3: Any, bucket: str, post: POST) -> None:
    # When
    answer = upload(post)

    # Then
    assert answer.status_code == 204
    stored = s3.get_object(Bucket=bucket, Key=KEY)
    assert stored["Body"].read() == b"abc"
    assert stored["ContentType"] == "image/jpeg"
    assert stored["Metadata"] == {"tenant": "demo"}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"content": b"x" * 11}, 400, "EntityTooLarge"),
        ({"content": b""}, 400, "EntityTooSmall"),
        ({"key": "uploads/other/item/image"}, 403, "AccessDenied"),
        ({"Content_Type": "text/html"}, 403, "AccessDenied"),
        ({"Content_Type": "image/jpeg; charset=utf-8"}, 403, "AccessDenied"),
        ({"Content_Type": None}, 403, "AccessDenied"),
        ({"x_amz_meta_tenant": "other"}, 403, "AccessDenied"),
        ({"x_amz_meta_tenant": None}, 403, "AccessDenied"),
        ({"x_amz_meta_more": "unsigned"}, 403, "AccessDenied"),
        ({"acl": "public-read"}, 403, "AccessDenied"),
        ({"x_amz_signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
    ],
)
def test_anything_else_is_refused(
    s3: Any, bucket: str, post: POST, changes: dict[str, Any], status: int, code: str
) -> None:
    # When
    answer = upload(post, **changes)

    # Then
    assert (answer.status_code, code in answer.text) == (status, True), answer.text
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_policy_that_has_expired_is_refused(s3: Any, bucket: str) -> None:
    # Given
    signed = s3.generate_presigned_post(bucket, KEY, ExpiresIn=-1)

    # When
    answer = upload((signed["url"], signed["fields"]))

    # Then
    assert answer.status_code == 403
    assert "Policy expired" in answer.text
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
