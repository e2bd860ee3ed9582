"""Archived rows in S3: gzip, read back before anybody relies on them."""

from __future__ import annotations

import base64
import gzip
import hashlib
from dataclasses import dataclass
from typing import Any

from itemstream.aws import aws_client
from itemstream.cleanup.bronze import ArchiveIncomplete
from itemstream.config import from_environment
from itemstream.observability.logs import logger
from itemstream.s3.errors import s3_errors

__all__ = ["ArchiveSettings", "S3Archive"]


@dataclass(frozen=True)
class ArchiveSettings:
    """Environment of the functions that archive."""

    archive_bucket: str


class S3Archive:
    """The archive; see :class:`itemstream.cleanup.bronze.Archive`."""

    def __init__(self, client: Any, settings: ArchiveSettings) -> None:
        self._client = client
        self._bucket = settings.archive_bucket

    @classmethod
    def from_environment(cls) -> S3Archive:
        """Make the one that the function's environment variables describe."""
        return cls(aws_client("s3"), from_environment(ArchiveSettings))

    def keep(self, key: str, lines: list[str]) -> None:
        """Put the lines, get the very version that was made of them, and compare."""
        # Without a time in it, so that the same lines are the same object.
        body = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with s3_errors():
            stored = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/x-ndjson",
                ContentEncoding="gzip",
                ChecksumSHA256=checksum,
            )
        version = {"VersionId": stored["VersionId"]} if stored.get("VersionId") else {}
        with s3_errors():
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **version)
            found = answer["Body"].read()
        if not _holds(found, lines):
            logger.error("archive incomplete", extra={"key": key, "lines": len(lines)})
            raise ArchiveIncomplete(key)


def _holds(body: bytes, lines: list[str]) -> bool:
    try:
        found = gzip.decompress(body).decode().split("\n")
    except (OSError, EOFError, UnicodeDecodeError):
        return False
    return len(found) - 1 == len(lines) and found[:-1] == lines
