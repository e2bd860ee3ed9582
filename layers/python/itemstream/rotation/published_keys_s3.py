"""The public keys in S3, where authorizers fetch them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["S3PublishedKeys"]


class S3PublishedKeys:
    """
    A JWKS in a bucket.

    Parameters
    ----------
    client
        Of S3.
    bucket, key
        Where it is.
    """

    def __init__(self, client: Any, bucket: str, key: str = "jwks.json") -> None:
        self._client = client
        self._bucket = bucket
        self._key = key

    def read(self) -> tuple[bytes, dt.datetime] | None:
        """Return the JWKS and when it was written; ``None`` if there is none."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
        except self._client.exceptions.NoSuchKey:
            return None
        return answer["Body"].read(), answer["LastModified"]

    def write(self, document: bytes) -> None:
        """Publish a JWKS in place of the one before."""
        self._client.put_object(
            Bucket=self._bucket,
            Key=self._key,
            Body=document,
            ContentType="application/jwk-set+json",
            CacheControl="no-cache",
        )
