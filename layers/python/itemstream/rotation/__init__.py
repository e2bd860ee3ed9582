"""Rotation of secrets: what Secrets Manager asks for, step by step, and how each secret does it.

Errors
------
::

    RotationRefused    what was asked cannot be done, and why
"""

from __future__ import annotations

__all__ = ["RotationRefused"]


class RotationRefused(Exception):  # noqa: N818
    """What was asked cannot be done; the message says why, and nothing of what is secret."""
