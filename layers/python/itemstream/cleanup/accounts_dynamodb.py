"""Positions and runs in DynamoDB; a run's row makes its event.

The table: ``pk`` is ``task#<name>`` for where a task goes on, and ``run#<id>`` for what a run did,
kept for a year.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import dynamodb_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.cleanup.running import RunAccount

__all__ = ["AccountsSettings", "DynamoAccounts"]

RUN_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class AccountsSettings:
    """Environment of the function that cleans up."""

    cleanup_table: str
    operations_tenant: str


class DynamoAccounts:
    """Positions and runs; see :class:`itemstream.cleanup.running.Accounts`."""

    def __init__(
        self,
        client: Any,
        settings: AccountsSettings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock

    @classmethod
    def from_environment(cls) -> DynamoAccounts:
        """Make the one that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(AccountsSettings))

    def position(self, task: str) -> str | None:
        """Read it, consistently."""
        with dynamodb_errors():
            answer = self._client.get_item(
                TableName=self._settings.cleanup_table,
                Key={"pk": {"S": f"task#{task}"}},
                ConsistentRead=True,
            )
        return from_item(answer["Item"])["position"] if "Item" in answer else None

    def stop_at(self, task: str, position: str | None) -> None:
        """Write it."""
        self._put({"pk": f"task#{task}", "position": position})

    def add(self, run: RunAccount) -> None:
        """Write the run, as the operations' tenant's."""
        ends = int(self._clock()) + RUN_SECONDS
        about = {"pk": f"run#{run.id}", "tenant": self._settings.operations_tenant}
        self._put({**about, "run": run.document(), "expires_at": ends})

    def _put(self, row: dict[str, Any]) -> None:
        with dynamodb_errors():
            self._client.put_item(TableName=self._settings.cleanup_table, Item=to_item(row))
