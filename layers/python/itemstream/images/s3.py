"""Uploaded files and renditions in S3, and the signed requests by which clients reach them.

Signed requests are made with the function's own credentials: whoever holds one may do that one
thing, until it expires or the credentials do, whichever comes first.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.images.model import MAX_UPLOAD_BYTES, UploadGone
from itemstream.s3.errors import s3_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from itemstream.images.model import Upload

__all__ = ["ProcessedSettings", "S3Originals", "S3Renditions", "UploadsSettings"]

FORM_SECONDS = 600
URL_SECONDS = 3600
# The key names the content, so what is behind it never changes.
CACHE_CONTROL = "public, max-age=31536000, immutable"
CHUNK_BYTES = 1024 * 1024
# DeleteObjects takes 1,000 keys a call (S3 API reference).
BATCH_KEYS = 1000

GONE_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404", "405"})


@dataclass(frozen=True)
class UploadsSettings:
    """Environment of the functions that use the bucket of uploads."""

    uploads_bucket: str


@dataclass(frozen=True)
class ProcessedSettings:
    """Environment of the functions that use the bucket of renditions."""

    processed_bucket: str


class _Bucket:
    """What both buckets have in common."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects, 1,000 in a call; those that are gone already stay gone."""
        remaining = iter(keys)
        while batch := list(islice(remaining, BATCH_KEYS)):
            objects = [{"Key": key} for key in batch]
            with s3_errors():
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                )
            if errors := answer.get("Errors"):
                # A part of them was not deleted. Asking for all of them again does no harm.
                code, message = errors[0].get("Code", ""), errors[0].get("Message", "")
                with s3_errors():
                    raise ClientError(
                        {"Error": {"Code": code, "Message": message}}, "DeleteObjects"
                    )

    def remove_below(self, prefix: str, *, but: Collection[str] = ()) -> None:
        """Delete all objects whose keys begin with a prefix, but for some."""
        self.remove(key for key in self._keys(prefix) if key not in but)

    def _keys(self, prefix: str) -> Iterator[str]:
        query: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        while True:
            with s3_errors():
                answer = self._client.list_objects_v2(**query)
            yield from (found["Key"] for found in answer.get("Contents", []))
            if not answer.get("IsTruncated"):
                return
            query["ContinuationToken"] = answer["NextContinuationToken"]


class S3Originals(_Bucket):
    """Uploaded files; see :class:`itemstream.images.repository.OriginalStore`."""

    @classmethod
    def from_environment(cls) -> S3Originals:
        """Make the store that the function's environment variables describe."""
        return cls(aws_client("s3"), from_environment(UploadsSettings).uploads_bucket)

    def form(self, upload: Upload) -> dict[str, Any]:
        """
        Return where and with which form fields to post a file: this one, of this type, once signed.

        The file's field comes last. S3 itself refuses another key, type or metadata, and a file
        that is empty or larger than an upload may be (S3 API reference, "POST Object").
        """
        key = upload.key
        fields = {
            "Content-Type": upload.content_type,
            "x-amz-meta-tenant": key.tenant,
            "x-amz-meta-item": key.item_id,
            "x-amz-meta-image": key.image_id,
            "x-amz-meta-subject": upload.created_by,
        }
        form: dict[str, Any] = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=str(key),
            Fields=dict(fields),
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, MAX_UPLOAD_BYTES],
            ],
            ExpiresIn=FORM_SECONDS,
        )
        return form

    def download(self, key: str, version_id: str | None, file: Path) -> None:
        """Fetch an upload, the version that is meant, in pieces."""
        version = {"VersionId": version_id} if version_id else {}
        try:
            with s3_errors(), file.open("wb") as opened:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, **version)
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                    opened.write(chunk)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in GONE_CODES:
                raise UploadGone(key) from error
            raise


class S3Renditions(_Bucket):
    """Renditions; see :class:`itemstream.images.repository.RenditionStore`."""

    @classmethod
    def from_environment(cls) -> S3Renditions:
        """Make the store that the function's environment variables describe."""
        return cls(aws_client("s3"), from_environment(ProcessedSettings).processed_bucket)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store a rendition; S3 checks that it arrived as it was sent."""
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with s3_errors():
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                CacheControl=CACHE_CONTROL,
                ChecksumSHA256=checksum,
            )

    def url(self, key: str) -> str:
        """Return an address from which a rendition can be read for an hour."""
        return str(
            self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=URL_SECONDS
            )
        )
