"""The keys of cursors in rotation: one that signs, one that will, and those that still verify.

A reader keeps the keys for five minutes. It knows the next key long before that one signs, and a
key that signs no more is kept until its last cursor has expired.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from dataclasses import dataclass, field

from itemstream.api.cursors import LIFETIME_SECONDS

__all__ = ["CursorKeys", "new_cursor_keys"]

# A reader may sign with the key before for as long as it keeps the secret, and a little more.
_RETIRED_FOR = dt.timedelta(seconds=LIFETIME_SECONDS) + dt.timedelta(minutes=10)


@dataclass(frozen=True)
class CursorKeys:
    """
    The keys at one time, by their ids.

    Parameters
    ----------
    current
        Id of the key that signs.
    next
        Id of the key that will, after the next rotation; ``None`` where there is none yet.
    keys
        Every key, by id.
    retired
        Until when a key that signs no more is needed, by id.
    """

    current: str
    next: str | None
    keys: dict[str, str] = field(repr=False)
    retired: dict[str, dt.datetime] = field(default_factory=dict)

    def rotated(self, now: dt.datetime) -> CursorKeys:
        """Return the keys after a rotation at `now`: next signs, and a new next is made."""
        retired = {key: until for key, until in self.retired.items() if until > now}
        retired[self.current] = now + _RETIRED_FOR
        made = {_new_id(): _new_key() for _ in range(1 if self.next else 2)}
        current, upcoming = [*([self.next] if self.next else []), *made]
        known = {**self.keys, **made}
        needed = {current, upcoming, *retired}
        keys = {key: known[key] for key in known if key in needed}
        return CursorKeys(current, upcoming, keys, retired)

    def to_json(self) -> str:
        """Write the keys as the value of a secret; see :func:`.cursors.keys_from_secret`."""
        return json.dumps(
            {
                "current": self.current,
                "next": self.next,
                "keys": self.keys,
                "retired": {key: until.isoformat() for key, until in self.retired.items()},
            }
        )

    @classmethod
    def from_json(cls, text: str) -> CursorKeys:
        """Read what `to_json` wrote, or a secret with a current key alone."""
        document = json.loads(text)
        retired = {
            key: dt.datetime.fromisoformat(until)
            for key, until in document.get("retired", {}).items()
        }
        return cls(document["current"], document.get("next"), document["keys"], retired)


def new_cursor_keys() -> CursorKeys:
    """Make two new keys."""
    current, upcoming = _new_id(), _new_id()
    return CursorKeys(current, upcoming, {current: _new_key(), upcoming: _new_key()})


def _new_id() -> str:
    return secrets.token_hex(4)


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
