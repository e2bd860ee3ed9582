"""Cursors whose keys are in a secret: how functions get them, and get to know new keys."""

from __future__ import annotations

import time

from itemstream.api.cursors import Cursors, keys_from_secret
from itemstream.config.secrets import json_secret

__all__ = ["signed_cursors"]

# Anybody can send a cursor that is refused; no more than this often does it make us read again.
REREAD_SECONDS = 1.0

_reread_at: dict[str, float] = {}


def signed_cursors(secret_id: str) -> Cursors:
    """
    Make cursors with the keys of a secret, as this process knows them.

    Parameters
    ----------
    secret_id
        Name or ARN of the secret ``cursor_signing``.

    Raises
    ------
    DependencyUnavailable
        If the secret is not known yet and Secrets Manager does not answer.
    """
    return Cursors(
        keys_from_secret(json_secret(secret_id)), newer_keys=lambda: _newer_keys(secret_id)
    )


def _newer_keys(secret_id: str) -> list[str]:
    now = time.monotonic()
    fresh = now - _reread_at.get(secret_id, float("-inf")) >= REREAD_SECONDS
    if fresh:
        _reread_at[secret_id] = now
    return keys_from_secret(json_secret(secret_id, fresh=fresh))
