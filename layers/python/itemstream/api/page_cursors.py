"""Cursors of lists: what clients send to get the next page, and are given for the one after."""

from __future__ import annotations

from dataclasses import dataclass

from itemstream.api.cursors import CursorRefused
from itemstream.api.problems import invalid
from itemstream.api.signed_cursors import signed_cursors
from itemstream.config import from_environment

__all__ = ["PageCursorSettings", "PageCursors"]


@dataclass(frozen=True)
class PageCursorSettings:
    """Environment of the functions that answer with pages."""

    cursor_signing_secret: str


class PageCursors:
    """
    Positions in lists, as cursors; the secret is read when the first one is.

    Parameters
    ----------
    settings
        The secret whose keys sign.
    """

    def __init__(self, settings: PageCursorSettings) -> None:
        self._secret = settings.cursor_signing_secret

    @classmethod
    def from_environment(cls) -> PageCursors:
        """Make those that the function's environment variables describe."""
        return cls(from_environment(PageCursorSettings))

    def position(self, tenant: str, query: dict[str, str | None], cursor: str | None) -> str | None:
        """
        Return the position that a client's cursor holds, ``None`` if it sent none.

        Raises
        ------
        Problem
            400 for a cursor that is not one of ours for this tenant and query, or is too old.
        """
        if cursor is None:
            return None
        try:
            return signed_cursors(self._secret).read(tenant, query, cursor)
        except CursorRefused:
            reason = "is altered, too old, or of another query; start again without it"
            raise invalid({"field": "cursor", "reason": reason}) from None

    def next(self, tenant: str, query: dict[str, str | None], position: str | None) -> str | None:
        """Return the cursor of the next page, ``None`` after the last."""
        return position and signed_cursors(self._secret).write(tenant, query, position)
