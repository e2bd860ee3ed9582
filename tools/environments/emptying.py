"""Empty a versioned bucket: every version of every object, and every mark of a deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.infrastructure.signing_in import SignedIn

__all__ = ["count_versions", "empty_bucket"]

_GONE = {"404", "NoSuchBucket"}
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_AT_ONCE = 1000


def empty_bucket(caller: SignedIn, bucket: str, report: Callable[[str], None]) -> int:
    """
    Delete all versions in a bucket and return how many there were; 0 if it is gone.

    Raises
    ------
    Problem
        If S3 keeps some of them, and why.
    """
    client = caller.client("s3")
    deleted = 0
    # From the beginning each time: what comes after a version that is gone is not well defined.
    while versions := next(_pages(client, bucket), None):
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
        if errors := answer.get("Errors"):
            raise Problem(
                f"S3 does not delete {len(errors)} objects of {bucket}: {errors[0]['Key']}: "
                f"{errors[0]['Message']}. Mend that, then run the command again."
            )
        deleted += len(versions)
        report(f"{deleted} versions deleted")
    return deleted


def count_versions(caller: SignedIn, bucket: str) -> int:
    """Count the versions in a bucket; 0 if it is gone."""
    return sum(len(versions) for versions in _pages(caller.client("s3"), bucket))


def _pages(client: Any, bucket: str) -> Iterator[list[dict[str, str]]]:
    """Yield versions and delete markers, as many at once as can be deleted at once."""
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": _AT_ONCE}
    )
    try:
        for page in pages:
            found = [
                {"Key": version["Key"], "VersionId": version["VersionId"]}
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            ]
            if found:
                yield found
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise Problem(f"{bucket} can't be read: {error}") from None
