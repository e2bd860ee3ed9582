"""Starts the process of an execution environment: what every way to do so has in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from tools.lambda_host.configuration import FunctionConfiguration

__all__ = ["Launch", "Launcher", "Started", "data_kilobytes"]

# Address space that a process may take beyond its memory before the kernel refuses it more: room
# for libraries and thread stacks, which are reserved long before they are used. What is really
# used is bounded by the host, which watches the resident set.
_DATA_HEADROOM_MB = 2048
# Shells tell of a program that a signal has ended by a status above this.
_BY_SIGNAL = 128


@dataclass(frozen=True)
class Launch:
    """What a process needs to start.

    Attributes
    ----------
    variables
        Environment variables; paths are the launcher's to add.
    source
        Version of the source.
    folder
        A folder that the function shall see as its ``/tmp``.
    output
        File descriptor for standard output and standard error.
    """

    configuration: FunctionConfiguration
    variables: Mapping[str, str]
    source: int
    folder: Path
    output: int


@dataclass(frozen=True)
class Started:
    """A process that leads a process group of its own.

    Attributes
    ----------
    wrappers
        How many processes, each the only child of the one before, come before the runtime's.
    """

    process: asyncio.subprocess.Process
    wrappers: int = 0

    async def wait(self) -> int:
        """Return how it ended: its status, or the number of a signal, negative."""
        status = await self.process.wait()
        return _BY_SIGNAL - status if self.wrappers and status > _BY_SIGNAL else status

    def runtime(self) -> int | None:
        """Return the process id of the runtime, None while or when there is none."""
        pid = self.process.pid
        for _ in range(self.wrappers):
            try:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                return None
            if not children:
                return None
            pid = int(children[0])
        return pid


class Launcher(Protocol):
    """A way to run functions.

    Attributes
    ----------
    python
        The version of Python that runs them.
    """

    python: str

    def source_version(self) -> int:
        """Return a number that changes when environments must be made anew."""
        ...

    async def start(self, launch: Launch) -> Started:
        """Start the runtime client in a process group of its own."""
        ...


def data_kilobytes(memory: int) -> int:
    """Return the limit of data (``ulimit -d``) for a function with `memory` MB."""
    return (memory + _DATA_HEADROOM_MB) * 1024
