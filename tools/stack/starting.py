"""The mark that a stack is being made for tests that have begun already.

It is a lock on a file, so that it is gone when who holds it has ended in whatever way.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.project import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["stack_is_starting", "starting", "wait_for_stack"]


def _file() -> Path:
    LOCAL.mkdir(exist_ok=True)
    return LOCAL / "starting.lock"


@contextmanager
def starting() -> Iterator[None]:
    """Let tests wait that need the stack."""
    with _file().open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        yield


def stack_is_starting() -> bool:
    """Tell whether a stack is being made."""
    with _file().open("w") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def wait_for_stack() -> None:
    """Return when no stack is being made any more."""
    with _file().open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_SH)
