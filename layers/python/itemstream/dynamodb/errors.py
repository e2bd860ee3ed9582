"""One table from DynamoDB's error codes to what they mean to the domain."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cancellation_codes", "condition_failed", "dynamodb_errors", "error_code"]

# DynamoDB Developer Guide, "Error handling with DynamoDB": the codes worth another attempt.
PASSING_CODES = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error, such as ``ThrottlingException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def condition_failed(error: ClientError) -> bool:
    """Whether a condition expression did not hold."""
    return error_code(error) == "ConditionalCheckFailedException"


def cancellation_codes(error: ClientError) -> list[str]:
    """Return why a transaction was cancelled: a code for each of its operations, in order."""
    response: dict[str, Any] = dict(error.response)
    return [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]


@contextmanager
def dynamodb_errors() -> Iterator[None]:
    """
    Trace a call, and turn throttles, outages and time-outs into :class:`DependencyUnavailable`.

    Every other error passes through unchanged: a denied permission or a malformed expression is a
    fault of ours and must stay visible as one.
    """
    try:
        with subsegment("DynamoDB", namespace="aws"):
            yield
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if error_code(error) in PASSING_CODES or status >= 500:
            raise DependencyUnavailable("DynamoDB") from error
        raise
    except (HTTPClientError, ConnectionError) as error:
        raise DependencyUnavailable("DynamoDB") from error
