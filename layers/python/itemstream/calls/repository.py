"""The port to where calls are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["CallFilter", "CallPage", "CallRepository"]


@dataclass(frozen=True, slots=True)
class CallFilter:
    """
    Which calls a list shows.

    Parameters
    ----------
    start, end
        From when on, and until before when.
    client_id
        Whose calls; ``None`` for everybody's.
    statuses
        The lowest and the highest status code; ``None`` for all.
    """

    start: datetime
    end: datetime
    client_id: str | None = None
    statuses: tuple[int, int] | None = None

    def admits(self, document: dict[str, Any]) -> bool:
        """Whether a call's document passes."""
        if self.statuses is None:
            return True
        lowest, highest = self.statuses
        return lowest <= int(document["status_code"]) <= highest


@dataclass(frozen=True, slots=True)
class CallPage:
    """
    One page of a list, newest call first.

    Parameters
    ----------
    calls
        Documents of at most as many calls as were asked for; fewer, even none, may come before the
        end.
    next_before
        The position below which the next page starts; ``None`` at the end of the list.
    """

    calls: list[dict[str, Any]]
    next_before: str | None


class CallRepository(Protocol):
    """Where calls are read from."""

    def get(self, tenant: str, call_id: str) -> dict[str, Any]:
        """Return a call's document, or raise :class:`CallNotFound`."""
        ...

    def page(
        self, tenant: str, wanted: CallFilter, *, limit: int, before: str | None = None
    ) -> CallPage:
        """Return up to ``limit`` calls at positions below ``before``, newest first."""
        ...
