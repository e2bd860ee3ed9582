"""Stored answers in DynamoDB, written in one transaction with what they answer for."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import cancellation_codes, dynamodb_errors, error_code
from itemstream.idempotency import Answer, IdempotencyKey, KeyInFlight, KeyReused

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DynamoAnswers", "DynamoAnswersSettings"]

LIFETIME_SECONDS = 24 * 3600
ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 0.2
# DynamoDB API reference, TransactWriteItems, "CancellationReasons".
THROTTLES = {"ThrottlingError", "ProvisionedThroughputExceeded"}
PASSING_REASONS = {"TransactionConflict", *THROTTLES}


@dataclass(frozen=True)
class DynamoAnswersSettings:
    """Environment of the functions that honour idempotency keys."""

    idempotency_table: str


class DynamoAnswers:
    """
    The first answer to each idempotency key, kept for 24 hours.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The table.
    clock
        Seconds since the epoch.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        client: Any,
        settings: DynamoAnswersSettings,
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = settings.idempotency_table
        self._clock = clock
        self._pause = pause

    @classmethod
    def from_environment(cls) -> DynamoAnswers:
        """Make the store that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(DynamoAnswersSettings))

    def once(self, key: IdempotencyKey, answer: Answer, put: dict[str, Any]) -> tuple[Answer, bool]:
        """
        Write something and its answer, unless the key was answered before.

        Parameters
        ----------
        key
            The client's key with its request.
        answer
            The answer if this request is the first.
        put
            The ``Put`` operation that the request asks for.

        Returns
        -------
        tuple[Answer, bool]
            The answer to give, and whether it is a replay of an earlier one.

        Raises
        ------
        KeyReused
            The key came before with another request.
        KeyInFlight
            Other requests with this key keep getting in the way.
        DependencyUnavailable
            DynamoDB does not answer.
        """
        codes: set[str] = set()
        for attempt in range(ATTEMPTS):
            try:
                with dynamodb_errors():
                    self._client.transact_write_items(
                        TransactItems=[{"Put": put}, {"Put": self._record(key, answer)}]
                    )
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                codes = set(cancellation_codes(error))
                if codes & PASSING_REASONS:
                    # Another transaction holds the record: it will be there in a moment.
                    self._pause(random.uniform(0, LONGEST_PAUSE_SECONDS) * (attempt + 1) / ATTEMPTS)  # noqa: S311
                    continue
                # Only the record's own condition says that the key was answered before.
                if cancellation_codes(error)[-1:] != ["ConditionalCheckFailed"]:
                    raise
            else:
                return answer, False
            earlier = self._find(key)
            if earlier is not None:
                return earlier, True
        if codes & THROTTLES:
            raise DependencyUnavailable("DynamoDB")
        raise KeyInFlight(key.key)

    def _record(self, key: IdempotencyKey, answer: Answer) -> dict[str, Any]:
        now = int(self._clock())
        return {
            "TableName": self._table,
            "Item": to_item(
                {
                    "pk": key.digest,
                    "fingerprint": key.fingerprint,
                    "status": answer.status,
                    "headers": answer.headers,
                    "document": answer.document,
                    "expires_at": now + LIFETIME_SECONDS,
                }
            ),
            # DynamoDB deletes expired rows within days, not at once.
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": {"N": str(now)}},
        }

    def _find(self, key: IdempotencyKey) -> Answer | None:
        with dynamodb_errors():
            row = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": key.digest}}, ConsistentRead=True
            ).get("Item")
        if row is None:
            return None
        record = from_item(row)
        if record["fingerprint"] != key.fingerprint:
            raise KeyReused(key.key)
        return Answer(record["status"], record["headers"], record["document"])
