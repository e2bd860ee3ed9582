"""Runs functions with the machine's own Python: out of the source tree, or unpacked archives."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lambda_host.archives import LAYER, TASK
from tools.lambda_host.code import Archives
from tools.lambda_host.launcher import Started, data_kilobytes
from tools.lambda_host.source import FOLDERS, Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.lambda_host.archives import UnpackedArchives
    from tools.lambda_host.launcher import Launch

__all__ = ["ArchiveLauncher", "SourceLauncher"]


class SourceLauncher:
    """Runs functions from the source tree, with the packages of the host's own interpreter.

    Parameters
    ----------
    root
        The repository: what Lambda has in ``/var/task``, with the layer in ``layers/python``.
    state
        Folder of the stack, for compiled byte code: the source tree stays clean.
    """

    python = platform.python_version()

    def __init__(self, root: Path, state: Path) -> None:
        self._machine = _Machine(root, state)
        self._root = root
        self._source = Source(root)
        self._bytecode = state / "bytecode"
        self._compiled: int | None = None

    def source_version(self) -> int:
        """Return a number that changes when a file is saved."""
        return self._source.version()

    async def start(self, launch: Launch) -> Started:
        """Start ``awslambdaric`` with the handler."""
        if self._compiled not in (None, launch.source):
            self._forget_bytecode()
        self._compiled = launch.source
        bytecode = {"PYTHONPYCACHEPREFIX": str(self._bytecode)}
        return await self._machine.start(
            launch, self._root, [self._root, self._root / "layers/python"], bytecode
        )

    def _forget_bytecode(self) -> None:
        # Python knows the source of byte code by its size and the second it was saved: two saves
        # in one second could look the same.
        for folder in FOLDERS:
            compiled = self._bytecode / (self._root / folder).relative_to("/")
            shutil.rmtree(compiled, ignore_errors=True)


class ArchiveLauncher:
    """Runs Zip functions out of their archives where the machine allows no file system of its own.

    Then archive and layers are not below ``/var/task`` and ``/opt``, but imported from wherever
    they are.
    """

    python = platform.python_version()

    def __init__(self, state: Path, archives: UnpackedArchives) -> None:
        self._machine = _Machine(state)
        self._archives = archives

    def source_version(self) -> int:
        """Return the same number ever: what was published stays as it is."""
        return 0

    async def start(self, launch: Launch) -> Started:
        """Start ``awslambdaric`` with the handler."""
        code = launch.configuration.code
        if not isinstance(code, Archives):
            raise ValueError("it is an image, which runs only where images are built (root, Linux)")  # noqa: TRY004
        *layers, function = await self._archives.roots(code)
        task = function / TASK
        return await self._machine.start(
            launch, task, [task, *(layer / LAYER / "python" for layer in layers)], {}
        )


class _Machine:
    """Starts the runtime client under the host's own interpreter.

    On Linux the process also dies with the host, and has a ``/tmp`` of its own where the system
    lets us mount one; elsewhere ``TMPDIR`` alone keeps environments apart.

    Parameters
    ----------
    needed
        Folders that the process must see: no ``/tmp`` is mounted over them.
    """

    def __init__(self, *needed: Path) -> None:
        own_tmp = not any(_is_below_tmp(path) for path in (*needed, Path(sys.prefix)))
        self._mount = _mount_namespace() if own_tmp else []
        setpriv = shutil.which("setpriv")
        self._die_with_host = [setpriv, "--pdeathsig", "KILL"] if setpriv else []

    async def start(
        self, launch: Launch, task_root: Path, imported: Sequence[Path], more: Mapping[str, str]
    ) -> Started:
        steps = ["ulimit -c 0"]
        if sys.platform == "linux":
            steps.append(f"ulimit -d {data_kilobytes(launch.configuration.memory)}")
        if self._mount:
            steps.append('mount --bind "$TMPDIR" /tmp && export TMPDIR=/tmp')
        steps.append('exec "$@"')
        # The death signal does not survive a change of user namespace: it comes after.
        process = await asyncio.create_subprocess_exec(
            *self._mount,
            *self._die_with_host,
            *("/bin/sh", "-c", " && ".join(steps), "sh"),
            *(sys.executable, "-m", "awslambdaric", launch.configuration.handler),
            cwd=task_root,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                **launch.variables,
                "LAMBDA_TASK_ROOT": str(task_root),
                "LAMBDA_RUNTIME_DIR": sys.prefix,
                "PYTHONPATH": ":".join(str(folder) for folder in imported),
                "TMPDIR": str(launch.folder),
                **more,
            },
            stdin=subprocess.DEVNULL,
            stdout=launch.output,
            stderr=launch.output,
            start_new_session=True,
        )
        return Started(process)


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
