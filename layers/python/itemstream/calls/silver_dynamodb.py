"""Silver in DynamoDB, as the transformer writes it, and what was set aside.

The table of calls: ``pk`` is ``<tenant>#<call id>``. Two indexes that hold keys only: ``by_day``
(``day_key`` ``<tenant>#<day>``) and ``by_client`` (``client_key`` ``<tenant>#<client id>``), both
sorted by ``occurred_key`` ``<occurred_at>#<call id>``. ``origin`` and ``content_hash`` say which
raw record a call was made from, and what it said.

The table of what was set aside: ``pk`` is ``<tenant>#<file id>``, ``sk`` the line with ten digits,
``kind`` ``rejected`` or ``repeat``. A line has one row there at most, and none if it is a call: so
what became of a line is decided by its key. Repeats stand here and not as a mark on the bronze row,
which a second reading of the file would wipe away. A row ends when its raw record does, at
``expires_at``; calls stay.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.calls.files import EXCERPT_CHARACTERS
from itemstream.calls.model import kept_until
from itemstream.calls.transformation import Known
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import to_item
from itemstream.dynamodb.batch_writes import put_all
from itemstream.dynamodb.errors import dynamodb_errors, error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from itemstream.calls.model import Call, SetAside

__all__ = ["DynamoSetAsides", "DynamoSilver", "SetAsidesSettings", "SilverSettings"]

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.05
# DynamoDB API reference, TransactWriteItems, "CancellationReasons".
PASSING_REASONS = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)


@dataclass(frozen=True)
class SilverSettings:
    """Environment of the functions that use silver."""

    silver_call_table: str


@dataclass(frozen=True)
class SetAsidesSettings:
    """Environment of the function that sets records aside."""

    rejected_call_table: str


class DynamoSilver:
    """
    Silver on DynamoDB; see :class:`itemstream.calls.transformation.Silver`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The table.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        client: Any,
        settings: SilverSettings,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = settings.silver_call_table
        self._pause = pause

    @classmethod
    def from_environment(cls) -> DynamoSilver:
        """Make the one that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(SilverSettings))

    def add(self, calls: list[Call]) -> dict[str, Known]:
        """
        Store those that are new in one transaction.

        A transaction that meets calls it knows is cancelled, says which, and is tried without them.
        """
        known: dict[str, Known] = {}
        attempt = 0
        while calls:
            reasons = self._write(calls)
            if not reasons:
                break
            met = {
                call.origin: Known(
                    reason["Item"]["origin"]["S"], reason["Item"]["content_hash"]["S"]
                )
                for call, reason in zip(calls, reasons, strict=True)
                if reason.get("Code") == "ConditionalCheckFailed"
            }
            known |= met
            calls = [call for call in calls if call.origin not in met]
            if not met:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise DependencyUnavailable("DynamoDB")
                # Full jitter, so that two who want the same calls do not meet again.
                self._pause(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311
        return known

    def _write(self, calls: list[Call]) -> list[dict[str, Any]]:
        """Try a transaction; return the reasons of its operations if it was cancelled."""
        try:
            with dynamodb_errors():
                self._client.transact_write_items(
                    TransactItems=[{"Put": self._addition(call)} for call in calls]
                )
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            response: dict[str, Any] = dict(error.response)
            reasons: list[dict[str, Any]] = response.get("CancellationReasons", [])
            codes = {reason.get("Code", "None") for reason in reasons}
            if not codes & {"ConditionalCheckFailed", *PASSING_REASONS}:
                raise
            return reasons
        return []

    def _addition(self, call: Call) -> dict[str, Any]:
        document = call.document
        row = {
            **document,
            "pk": f"{call.tenant}#{call.id}",
            "tenant": call.tenant,
            "day_key": f"{call.tenant}#{document['day']}",
            "client_key": f"{call.tenant}#{document['client_id']}",
            "occurred_key": f"{document['occurred_at']}#{call.id}",
            "origin": call.origin,
            "content_hash": call.content_hash,
        }
        return {
            "TableName": self._table,
            "Item": to_item(row),
            "ConditionExpression": "attribute_not_exists(pk) OR origin = :origin",
            "ExpressionAttributeValues": {":origin": {"S": call.origin}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


class DynamoSetAsides:
    """Rejects and repeats on DynamoDB; see :class:`itemstream.calls.transformation.SetAsides`."""

    def __init__(self, client: Any, settings: SetAsidesSettings) -> None:
        self._client = client
        self._table = settings.rejected_call_table

    @classmethod
    def from_environment(cls) -> DynamoSetAsides:
        """Make the one that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(SetAsidesSettings))

    def put(self, records: Iterable[SetAside]) -> None:
        """Write 25 in a call."""
        put_all(self._client, self._table, (_row(one) for one in records))


def _row(one: SetAside) -> dict[str, Any]:
    record = one.record
    row = {
        "pk": f"{record.tenant}#{record.file_id}",
        "sk": f"{record.line:010d}",
        "kind": "rejected" if one.repeat_of is None else "repeat",
        "tenant": record.tenant,
        "line": record.line,
        "reason": one.reason,
        "ingested_at": record.ingested_at,
        "expires_at": kept_until(record.ingested_at),
        # The whole of it is in bronze.
        "excerpt": record.raw[:EXCERPT_CHARACTERS],
    }
    if one.repeat_of is not None:
        row["repeat_of"] = one.repeat_of
    return to_item(row)
