"""Files in the landing bucket, read in parts: a slow reader keeps no connection waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from itemstream.calls.files import UnreadableFile
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.errors import error_code
from itemstream.items.model import timestamp
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LandedObject"]

MAX_BYTES = 100 * 1024 * 1024
PART_BYTES = 4 * 1024 * 1024
ATTEMPTS = 3
# What S3 says of an object that is not there any more: deleted, replaced, or a delete marker.
_GONE = frozenset({"404", "405", "412", "NoSuchKey", "NoSuchVersion", "PreconditionFailed"})
_BROKEN = (BotoCoreError, OSError)
_PASSING = frozenset({"503", "500", "SlowDown", "InternalError", "ServiceUnavailable"})


@dataclass(frozen=True)
class LandedObject:
    """
    One version of an object.

    Parameters
    ----------
    client
        S3 client.
    bucket, key
        Where it is.
    etag
        S3's entity tag: all parts are of this content.
    version_id
        Its version; ``None`` in a bucket without versions.
    """

    client: Any
    bucket: str
    key: str
    etag: str
    version_id: str | None

    @property
    def version(self) -> str:
        """What tells this version from any other of the same key."""
        return self.version_id or f"etag:{self.etag}"

    def landed_at(self) -> str:
        """
        Return when it was put there, in ISO 8601.

        Raises
        ------
        UnreadableFile
            If it is gone, or larger than 100 MB.
        """
        head = self._ask(lambda: self.client.head_object(**self._which()))
        if head["ContentLength"] > MAX_BYTES:
            raise UnreadableFile(f"the file is larger than {MAX_BYTES} bytes")
        return timestamp(head["LastModified"])

    def chunks(self) -> Iterator[bytes]:
        """Read it, a part at a time."""
        start, size = 0, 1
        while start < size:
            content, size = self._part(start)
            if size < 0:
                yield from self._whole(content)
                return
            yield content
            start += len(content)

    def _part(self, start: int) -> tuple[Any, int]:
        """Return a part and the size of the whole; or the whole's stream and -1."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self.client.get_object(
                    **self._which(), Range=f"bytes={start}-{start + PART_BYTES - 1}"
                )
                # A server may leave the range unheeded (RFC 9110, section 14.2). S3 does not; the
                # local AWS does, for versions.
                if "ContentRange" not in answer:
                    return answer["Body"], -1
                return answer["Body"].read(), int(answer["ContentRange"].rpartition("/")[2])
            except ClientError as error:
                if error_code(error) == "InvalidRange":
                    return b"", 0
                raise _meaning(error) from error
            except _BROKEN as error:
                # The client repeats requests, but not what breaks while the content arrives.
                if attempt == ATTEMPTS:
                    raise DependencyUnavailable("S3") from error
        raise AssertionError("unreachable")

    def _whole(self, body: Any) -> Iterator[bytes]:
        try:
            yield from body.iter_chunks(PART_BYTES)
        except _BROKEN as error:
            raise DependencyUnavailable("S3") from error

    def _ask(self, call: Any) -> dict[str, Any]:
        try:
            with subsegment("S3", namespace="aws"):
                answer: dict[str, Any] = call()
        except ClientError as error:
            raise _meaning(error) from error
        except BotoCoreError as error:
            raise DependencyUnavailable("S3") from error
        return answer

    def _which(self) -> dict[str, str]:
        which = {"Bucket": self.bucket, "Key": self.key}
        if self.version_id:
            return {**which, "VersionId": self.version_id}
        return {**which, "IfMatch": f'"{self.etag}"'}


def _meaning(error: ClientError) -> Exception:
    code = error_code(error)
    if code in _GONE:
        return UnreadableFile("the file is gone, or was replaced before it was read")
    return DependencyUnavailable("S3") if code in _PASSING else error
