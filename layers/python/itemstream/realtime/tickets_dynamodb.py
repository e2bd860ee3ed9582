"""Tickets in DynamoDB: whoever deletes a ticket's row has redeemed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from itemstream.auth import Principal
from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import dynamodb_errors
from itemstream.realtime.tickets import StoredTicket

__all__ = ["DynamoTickets", "DynamoTicketsSettings"]


@dataclass(frozen=True)
class DynamoTicketsSettings:
    """Environment of the functions that make and redeem tickets."""

    tickets_table: str


class DynamoTickets:
    """
    The tickets; see :class:`itemstream.realtime.tickets.TicketRepository`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The table.
    """

    def __init__(self, client: Any, settings: DynamoTicketsSettings) -> None:
        self._client = client
        self._table = settings.tickets_table

    @classmethod
    def from_environment(cls) -> DynamoTickets:
        """Make the repository that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(DynamoTicketsSettings))

    def add(self, ticket: StoredTicket) -> None:
        """Put the ticket's row."""
        principal = ticket.principal
        with dynamodb_errors():
            self._client.put_item(
                TableName=self._table,
                Item=to_item(
                    {
                        "pk": ticket.digest,
                        "tenant": principal.tenant,
                        "subject": principal.subject,
                        "scopes": sorted(principal.scopes),
                        "token_expires_at": principal.expires_at,
                        "expires_at": ticket.expires_at,
                    }
                ),
            )

    def take(self, digest: str) -> StoredTicket | None:
        """Delete the ticket's row: of all who do so at once, one is handed what stood there."""
        with dynamodb_errors():
            row = self._client.delete_item(
                TableName=self._table, Key={"pk": {"S": digest}}, ReturnValues="ALL_OLD"
            ).get("Attributes")
        if not row:
            return None
        stored = from_item(row)
        principal = Principal(
            stored["tenant"],
            stored["subject"],
            frozenset(stored["scopes"]),
            stored["token_expires_at"],
        )
        return StoredTicket(stored["pk"], principal, stored["expires_at"])
