"""A connection, topics, and a DynamoDB client that lets things happen between its calls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from itemstream.realtime.connections import Connection
from itemstream.realtime.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_250_000
# Of a subscription, where it does not matter which.
SHARD = 3
SHARDS = 16
ITEMS, CALLS = Topic("items"), Topic("calls")


def a_connection(connection_id: str = "L0SM9cOFvHcCIhw=", **changes: Any) -> Connection:
    connection = Connection(
        id=connection_id,
        tenant="acme",
        subject="alice",
        scopes=frozenset({"realtime:connect", "items:read", "calls:read"}),
        connected_at=NOW,
        ends_at=NOW + 3600,
        ends_by="token",
        topics={},
    )
    return replace(connection, **changes)


def an_item(number: int) -> Topic:
    return Topic("items", f"01936f2e-7b1c-7000-8000-{number:012x}")


class Interrupted:
    """A client that lets something happen, once, before or after a call."""

    def __init__(
        self, client: Any, call: str, happens: Callable[[], Any], *, after: bool = False
    ) -> None:
        self._client = client
        self._call = call
        self._happens: Callable[[], Any] | None = happens
        self._after = after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            happens = self._happens if name == self._call else None
            if happens is None:
                return getattr(self._client, name)(**arguments)
            self._happens = None
            if self._after:
                answer = getattr(self._client, name)(**arguments)
                happens()
                return answer
            happens()
            return getattr(self._client, name)(**arguments)

        return call
