"""One table from S3's error codes to what they mean to the domain."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004
    HTTPClientError,
    IncompleteReadError,
)

from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.errors import error_code
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["s3_errors"]

# S3 API reference, "List of error codes": those that may pass, beside all of status 5xx. A
# multipart upload that is unknown was completed by a try whose answer was lost, or ended by the
# lifecycle: the file is made anew.
PASSING_CODES = frozenset(
    {
        *("InternalError", "NoSuchUpload", "RequestTimeout", "SlowDown"),
        *("Throttling", "ThrottlingException"),
    }
)


@contextmanager
def s3_errors() -> Iterator[None]:
    """Trace a call, and turn throttles, outages and time-outs into DependencyUnavailable."""
    try:
        with subsegment("S3", namespace="aws"):
            yield
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if error_code(error) in PASSING_CODES or status >= 500:
            raise DependencyUnavailable("S3") from error
        raise
    except (HTTPClientError, ConnectionError, IncompleteReadError) as error:
        raise DependencyUnavailable("S3") from error
