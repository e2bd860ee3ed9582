"""Files of reports in S3, and the signed addresses by which they are read.

Addresses are signed with the function's own credentials: whoever holds one may read that one file,
until it expires or the credentials do, whichever comes first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.s3.errors import s3_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from itemstream.reports.model import Format

__all__ = ["ReportsBucketSettings", "S3ReportFiles"]

# S3 User Guide, "Multipart upload limits": parts of 5 MiB or more, but for the last.
PART_BYTES = 8 * 1024 * 1024
CONTENT_TYPES: dict[Format, str] = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
}


@dataclass(frozen=True)
class ReportsBucketSettings:
    """Environment of the functions that use the bucket of reports."""

    reports_bucket: str


class S3ReportFiles:
    """
    Files of reports; see :class:`itemstream.reports.repository.ReportFiles`.

    Parameters
    ----------
    client
        S3 client.
    bucket
        Where they lie.
    part_bytes
        Size of the parts in which a file of any length is sent.
    """

    def __init__(self, client: Any, bucket: str, *, part_bytes: int = PART_BYTES) -> None:
        self._client = client
        self._bucket = bucket
        self._part_bytes = part_bytes

    @classmethod
    def from_environment(cls) -> S3ReportFiles:
        """Make the store that the function's environment variables describe."""
        return cls(aws_client("s3"), from_environment(ReportsBucketSettings).reports_bucket)

    def put(self, key: str, form: Format, body: bytes) -> None:
        """Store a file."""
        with s3_errors():
            self._client.put_object(**self._object(key, form), Body=body)

    def put_stream(self, key: str, form: Format, chunks: Iterable[bytes]) -> None:
        """Store a file of any length in parts, of which few are held at a time."""
        parts = _parts(chunks, self._part_bytes)
        first = next(parts)
        second = next(parts, None)
        if second is None:
            self.put(key, form, first)
            return
        with s3_errors():
            upload = self._client.create_multipart_upload(**self._object(key, form))["UploadId"]
        which = {"Bucket": self._bucket, "Key": key, "UploadId": upload}
        try:
            stored = [self._part(which, 1, first), self._part(which, 2, second)]
            del first, second
            for number, part in enumerate(parts, 3):
                stored.append(self._part(which, number, part))
            with s3_errors():
                self._client.complete_multipart_upload(**which, MultipartUpload={"Parts": stored})
        except BaseException:
            # What is left when this fails too, the bucket's lifecycle removes after a day.
            with suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**which)
            raise

    def url(self, key: str, *, seconds: int) -> str:
        """Return an address from which a file can be read for so long."""
        return str(
            self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
            )
        )

    def _object(self, key: str, form: Format) -> dict[str, str]:
        _, week, _, name = key.rsplit("/", 3)
        shown = "inline" if form == "html" else "attachment"
        return {
            "Bucket": self._bucket,
            "Key": key,
            "ContentType": CONTENT_TYPES[form],
            "ContentDisposition": f'{shown}; filename="{week}-{name}"',
        }

    def _part(self, which: dict[str, str], number: int, body: bytes) -> dict[str, Any]:
        with s3_errors():
            answer = self._client.upload_part(**which, PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": answer["ETag"]}


def _parts(chunks: Iterable[bytes], part_bytes: int) -> Iterator[bytes]:
    """Gather chunks into parts; there is one at least, if an empty one."""
    waiting = bytearray()
    for chunk in chunks:
        if waiting and len(waiting) + len(chunk) > part_bytes:
            yield bytes(waiting)
            waiting.clear()
        waiting += chunk
    yield bytes(waiting)
