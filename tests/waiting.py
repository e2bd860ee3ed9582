"""Waiting for a condition, with a deadline: what tests do instead of sleeping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


def eventually(
    look: Callable[[], Found], *, within: float = 20, every: float = 0.05, what: str = ""
) -> Found:
    """Return what `look` finds as soon as it is true; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {within} s: {what or look}"
        time.sleep(every)
    return found
