"""Tells when the functions' source has changed: a saved file is live at the next request."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Where functions and what they import are, below the root.
FOLDERS = ("functions", "authorizers", "scheduled", "layers/python")


class Source:
    """The source of all functions below `root`."""

    def __init__(self, root: Path) -> None:
        self._folders = [str(root / folder) for folder in FOLDERS]

    def version(self) -> int:
        """Return a number that changes when a file is saved, added, renamed or removed.

        Every file is looked at each time: some 100 of them take 0.3 ms, and nothing that watches
        the file system could promise to have heard of a save before the request that follows it.
        """
        files: list[tuple[str, int, int]] = []
        folders = list(self._folders)
        while folders:
            try:
                with os.scandir(folders.pop()) as entries:
                    for entry in entries:
                        if entry.name.startswith((".", "__pycache__")):
                            continue
                        if entry.is_dir():
                            folders.append(entry.path)
                        else:
                            stat = entry.stat()
                            files.append((entry.path, stat.st_mtime_ns, stat.st_size))
            except FileNotFoundError:
                continue
        return hash(tuple(sorted(files)))
