"""The bus: where events go for whoever wants to know. The port; the adapter is beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Delivery", "EventBus"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    What became of the events that were sent; those that are not named here arrived.

    Parameters
    ----------
    failed
        Events that did not arrive and may be sent again: index → reason.
    refused
        Events that the bus will never take: index → reason.
    """

    failed: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


class EventBus(Protocol):
    """Where events are sent."""

    def send(self, documents: Sequence[dict[str, Any]]) -> Delivery:
        """Send CloudEvents; those that fail in passing are tried again for a while."""
