"""Starts the process of an execution environment."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tools.lambda_host.source import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

# Address space that a process may take beyond its memory before the kernel refuses it more: room
# for libraries and thread stacks, which are reserved long before they are used. What is really
# used is bounded by the host, which watches the resident set.
_DATA_HEADROOM_MB = 2048


@dataclass(frozen=True)
class Launch:
    """What a process needs to start.

    Attributes
    ----------
    source
        Version of the source.
    folder
        An empty folder that the function shall see as its ``/tmp``.
    memory
        MB.
    output
        File descriptor for standard output and standard error.
    """

    handler: str
    variables: Mapping[str, str]
    source: int
    folder: Path
    memory: int
    output: int


class Launcher(Protocol):
    """A way to run functions."""

    async def start(self, launch: Launch) -> asyncio.subprocess.Process:
        """Start the runtime client in a process group of its own."""
        ...


class SourceLauncher:
    """Runs functions from the source tree, with the packages of the host's own interpreter.

    On Linux the process also dies with the host, and has a ``/tmp`` of its own where the system
    lets us mount one; elsewhere ``TMPDIR`` alone keeps environments apart.

    Parameters
    ----------
    root
        The repository: what Lambda has in ``/var/task``, with the layer in ``layers/python``.
    state
        Folder of the stack, for compiled byte code: the source tree stays clean.
    """

    def __init__(self, root: Path, state: Path) -> None:
        self._root = root
        self._bytecode = state / "bytecode"
        self._compiled: int | None = None
        own_tmp = not any(_is_below_tmp(path) for path in (root, state, Path(sys.prefix)))
        self._mount = _mount_namespace() if own_tmp else []
        setpriv = shutil.which("setpriv")
        self._die_with_host = [setpriv, "--pdeathsig", "KILL"] if setpriv else []

    async def start(self, launch: Launch) -> asyncio.subprocess.Process:
        """Start ``awslambdaric`` with the handler."""
        if self._compiled not in (None, launch.source):
            self._forget_bytecode()
        self._compiled = launch.source
        steps = ["ulimit -c 0"]
        if sys.platform == "linux":
            steps.append(f"ulimit -d {(launch.memory + _DATA_HEADROOM_MB) * 1024}")
        if self._mount:
            steps.append('mount --bind "$TMPDIR" /tmp && export TMPDIR=/tmp')
        steps.append('exec "$@"')
        # The death signal does not survive a change of user namespace: it comes after.
        return await asyncio.create_subprocess_exec(
            *self._mount,
            *self._die_with_host,
            *("/bin/sh", "-c", " && ".join(steps), "sh"),
            *(sys.executable, "-m", "awslambdaric", launch.handler),
            cwd=self._root,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                **launch.variables,
                "LAMBDA_TASK_ROOT": str(self._root),
                "LAMBDA_RUNTIME_DIR": sys.prefix,
                "PYTHONPATH": f"{self._root}:{self._root / 'layers/python'}",
                "PYTHONPYCACHEPREFIX": str(self._bytecode),
                "TMPDIR": str(launch.folder),
            },
            stdin=subprocess.DEVNULL,
            stdout=launch.output,
            stderr=launch.output,
            start_new_session=True,
        )

    def _forget_bytecode(self) -> None:
        # Python knows the source of byte code by its size and the second it was saved: two saves
        # in one second could look the same.
        for folder in FOLDERS:
            compiled = self._bytecode / (self._root / folder).relative_to("/")
            shutil.rmtree(compiled, ignore_errors=True)


def _is_below_tmp(path: Path) -> bool:
    return path.resolve().is_relative_to(Path("/tmp").resolve())  # noqa: S108 - what is hidden


def _mount_namespace() -> list[str]:
    """Return the command that gives a program its own mounts; empty where none is permitted."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--mount", "--propagation", "private"]
    try:
        trial = [*command, "mount", "--bind", "/usr", "/tmp"]  # noqa: S108 - in its own namespace
        subprocess.run(trial, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return command
