"""Versions of objects in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itemstream.cleanup.objects import ObjectPage, ObjectVersion
from itemstream.cleanup.tasks import Removal
from itemstream.observability.logs import logger
from itemstream.s3.errors import s3_errors

if TYPE_CHECKING:
    from itemstream.cleanup.pace import Pace

__all__ = ["S3Versions"]

# ListObjectVersions and DeleteObjects take 1,000 a call (S3 API reference).
PAGE_VERSIONS = 1000


class S3Versions:
    """
    The objects of a versioned bucket; see :class:`itemstream.cleanup.objects.ObjectVersions`.

    Parameters
    ----------
    client
        S3 client.
    bucket
        The bucket's name.
    pace
        Objects a second.
    """

    def __init__(self, client: Any, bucket: str, pace: Pace) -> None:
        self._client = client
        self._bucket = bucket
        self._pace = pace

    def page(self, prefix: str, position: str | None) -> ObjectPage:
        """
        List versions and leave out those that are no longer current, and delete markers.

        The position is a key, after which the next page begins: its current version comes first,
        and the older ones are not asked for.
        """
        after = {} if position is None else {"KeyMarker": position}
        with s3_errors():
            answer = self._client.list_object_versions(
                Bucket=self._bucket, Prefix=prefix, MaxKeys=PAGE_VERSIONS, **after
            )
        found = answer.get("Versions", [])
        self._pace.spend(len(found))
        return ObjectPage(
            [
                ObjectVersion(
                    version["Key"], version["VersionId"], version["LastModified"].timestamp()
                )
                for version in found
                if version["IsLatest"]
            ],
            answer["NextKeyMarker"] if answer.get("IsTruncated") else None,
        )

    def remove(self, versions: list[ObjectVersion]) -> Removal:
        """Delete versions for good, 1,000 in a call."""
        removal = Removal()
        for start in range(0, len(versions), PAGE_VERSIONS):
            batch = versions[start : start + PAGE_VERSIONS]
            objects = [{"Key": each.key, "VersionId": each.version_id} for each in batch]
            with s3_errors():
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                )
            errors = answer.get("Errors", [])
            for error in errors[:1]:
                logger.error(
                    "objects not removed",
                    extra={"bucket": self._bucket, "number": len(errors), "code": error["Code"]},
                )
            removal += Removal(removed=len(batch) - len(errors), errors=len(errors))
        return removal
