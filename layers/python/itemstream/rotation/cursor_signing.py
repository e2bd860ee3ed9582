"""Rotation of the keys that sign cursors; nobody but their readers knows them."""

from __future__ import annotations

import datetime as dt
import json

from itemstream.api.cursor_keys import CursorKeys, new_cursor_keys
from itemstream.api.cursors import Cursors, keys_from_secret

__all__ = ["CursorSigning"]


class CursorSigning:
    """The next key signs, and a new next one is made."""

    def make(self, current: str | None) -> str:
        """Return the keys after `current`."""
        if current is None:
            return new_cursor_keys().to_json()
        return CursorKeys.from_json(current).rotated(dt.datetime.now(dt.UTC)).to_json()

    def set(self, pending: str, current: str | None) -> None:
        """Do nothing: the secret is the only place."""

    def test(self, pending: str) -> None:
        """Write and read a cursor."""
        cursors = Cursors(keys_from_secret(json.loads(pending)))
        query: dict[str, str | None] = {"list": "rotation"}
        cursors.read("rotation", query, cursors.write("rotation", query, "here"))
