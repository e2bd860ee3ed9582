"""Show and follow log files."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["show_log"]

_LAST_LINES = 200
_LOOK_AGAIN_SECONDS = 0.2


def show_log(files: dict[str, str], name: str, *, follow: bool) -> None:
    """
    Write the last lines of a log to standard output, and the coming ones if asked to follow.

    Raises
    ------
    Problem
        If there is no log of that name.
    """
    from pathlib import Path

    if name not in files:
        raise Problem(f"There is no log `{name}`. Choose one of: {', '.join(sorted(files))}")
    path = Path(files[name])
    if not path.exists() and not follow:
        raise Problem(f"{name} has written nothing yet: it has not run since the stack was made.")
    position = _show_end(path)
    while follow:
        time.sleep(_LOOK_AGAIN_SECONDS)
        position = _show_from(path, position)


def _show_end(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open(errors="replace") as file:
        sys.stdout.writelines(deque(file, _LAST_LINES))
        sys.stdout.flush()
        return file.tell()


def _show_from(path: Path, position: int) -> int:
    if not path.exists():
        return 0
    with path.open(errors="replace") as file:
        # A shorter file is a new one: the log was rotated.
        file.seek(position if path.stat().st_size >= position else 0)
        sys.stdout.write(file.read())
        sys.stdout.flush()
        return file.tell()
