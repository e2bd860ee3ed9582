"""Signed cursors: where a list goes on, bound to its tenant and query, for an hour.

A cursor is itsdangerous' signed, timed text. Tenant and query are part of the signing key, so a
cursor of another tenant or another query is as good as a forged one.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from itsdangerous import BadData, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["CursorRefused", "Cursors", "keys_from_secret"]

LIFETIME_SECONDS = 3600


class CursorRefused(ValueError):  # noqa: N818
    """A cursor that was altered, has expired, or belongs to another tenant or query."""


class Cursors:
    """
    Write and read cursors.

    Parameters
    ----------
    keys
        Signing keys, oldest first: the last one signs, all of them are honoured.
    lifetime
        Seconds for which a cursor is good.
    newer_keys
        Fetches the keys as they are now. It is asked before a cursor is refused: the cursor may be
        signed by a key that is younger than what we know.
    """

    def __init__(
        self,
        keys: Sequence[str],
        lifetime: int = LIFETIME_SECONDS,
        newer_keys: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._keys = list(keys)
        self._lifetime = lifetime
        self._newer_keys = newer_keys

    def write(self, tenant: str, query: dict[str, str | None], position: str) -> str:
        """Return a cursor for a position in the answer to a tenant's query."""
        return str(self._serializer(tenant, query).dumps(position))

    def read(self, tenant: str, query: dict[str, str | None], cursor: str) -> str:
        """
        Return the position that a cursor holds.

        Raises
        ------
        CursorRefused
            If it is not one of ours for this tenant and query, or is too old.
        """
        try:
            return self._read(tenant, query, cursor)
        except CursorRefused:
            newer = list(self._newer_keys()) if self._newer_keys else self._keys
            if newer == self._keys:
                raise
            self._keys = newer
            return self._read(tenant, query, cursor)

    def _read(self, tenant: str, query: dict[str, str | None], cursor: str) -> str:
        try:
            position = self._serializer(tenant, query).loads(cursor, max_age=self._lifetime)
            # The last character of a signature has bits that decoding drops.
            signature = cursor.rpartition(".")[2]
            canonical = base64_encode(base64_decode(signature)).decode() == signature
        except (BadData, UnicodeError) as error:
            raise CursorRefused(str(error)) from error
        if not canonical:
            raise CursorRefused("the signature is not written as we write it")
        return str(position)

    def _serializer(self, tenant: str, query: dict[str, str | None]) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._keys,
            salt=json.dumps(["itemstream.cursor", tenant, query], sort_keys=True),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


def keys_from_secret(secret: dict[str, object]) -> list[str]:
    """
    Return the signing keys of the secret ``cursor_signing``, the current one last.

    The secret is ``{"current": "<key id>", "keys": {"<key id>": "<key>"}}``, and what
    :mod:`itemstream.api.cursor_keys` adds to turn it.
    """
    keys = secret["keys"]
    if not isinstance(keys, dict):
        raise TypeError("the secret's keys are not an object")
    return [str(key) for name, key in keys.items() if name != secret["current"]] + [
        str(keys[secret["current"]])
    ]
