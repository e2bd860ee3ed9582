"""What a process prints, as lines."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65_536
# CloudWatch Logs takes events up to 1 MB; a longer line is cut there, as Lambda does.
_LINE_BYTES = 1_000_000


class Output:
    """A pipe for the standard output and error of a process.

    Parameters
    ----------
    write
        Called with each line, without its end.

    Attributes
    ----------
    descriptor
        The end for the process; close it with :meth:`started` once the process has it.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._source, self.descriptor = os.pipe()
        os.set_blocking(self._source, False)
        self._rest = b""
        asyncio.get_running_loop().add_reader(self._source, self._read)

    def started(self) -> None:
        """Close our copy of the end that the process now holds."""
        os.close(self.descriptor)

    def drain(self) -> None:
        """Take what was printed until now, so that no line comes after the one that ends it."""
        while self._source >= 0 and self._read():
            pass

    def close(self) -> None:
        """Take what is left, a line without an end included."""
        self.drain()
        if self._rest:
            self._emit(self._rest)
            self._rest = b""
        self._stop()

    def _read(self) -> bool:
        try:
            chunk = os.read(self._source, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._stop()
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._rest) > _LINE_BYTES:
            self._emit(self._rest)
            self._rest = b""
        return True

    def _emit(self, line: bytes) -> None:
        # The runtime client joins the lines of one event by carriage returns.
        text = line[:_LINE_BYTES].decode(errors="replace").rstrip("\r").replace("\r", "\n")
        if text:
            self._write(text)

    def _stop(self) -> None:
        if self._source >= 0:
            asyncio.get_running_loop().remove_reader(self._source)
            os.close(self._source)
            self._source = -1
