"""Processes that outlive the command that starts them: started, watched and stopped for sure."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import psutil

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Daemon", "stop_leftovers"]

_START_SECONDS = 60.0
# What is killed before it has saved its state loses it: on a busy machine that takes its time.
_STOP_SECONDS = 90.0
_KILL_SECONDS = 20.0
_PORT_SECONDS = 20.0
# By this variable in its environment a process is known to belong to a stack, pid file or not.
_MARKER = "ITEMSTREAM_DAEMON_OF"


@dataclass(frozen=True)
class Daemon:
    """
    One process of the stack.

    Parameters
    ----------
    name
        Names its log and pid files.
    title
        What people call it.
    command, environment
        What to run, asked for when it starts; nothing else of our environment reaches it.
    port, port_variable
        The loopback port it serves, and the variable that chooses another.
    folder
        The stack's folder: pid files in `run`, logs in `logs`.
    answers
        Whether it is well.
    version
        Changes when the program or its configuration does, so that it is started anew.
    """

    name: str
    title: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    port: int
    port_variable: str
    folder: Path
    answers: Callable[[], bool]
    version: str = ""

    @property
    def log(self) -> Path:
        """Its standard output and error."""
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "run" / f"{self.name}.json"

    def process(self) -> psutil.Process | None:
        """Return the running process, if it is still the one that was started."""
        try:
            started = json.loads(self._pid_file.read_text())
            process = psutil.Process(started["pid"])
            same = abs(process.create_time() - started["created"]) < 0.01
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, KeyError, psutil.Error):
            return None

    def state(self) -> Literal["running", "crashed", "not answering", "stopped"]:
        """Say how it is; crashed means that it ended without being stopped."""
        if self.process() is None:
            return "crashed" if self._pid_file.exists() else "stopped"
        return "running" if self.answers() else "not answering"

    def start(self) -> Literal["started", "restarted", "running"]:
        """
        Make sure that it runs in its present version and answers.

        Raises
        ------
        Problem
            If its port is taken, or it ends or stays silent.
        """
        known = self._pid_file.exists()
        if self.state() == "running" and self._started_version() == self.version:
            return "running"
        self.stop()
        self._check_port()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self.command(),
                env={**self.environment, _MARKER: str(self.folder)},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        created = psutil.Process(child.pid).create_time()
        started = {"pid": child.pid, "created": created, "version": self.version}
        self._pid_file.write_text(json.dumps(started))
        self._wait_until_it_answers(child)
        # It is meant to outlive us, of which Python would warn.
        child.returncode = 0
        return "restarted" if known else "started"

    def stop(self) -> bool:
        """
        Stop it, kindly at first; say whether it ran.

        Raises
        ------
        Problem
            If it does not even end when killed.
        """
        process = self.process()
        if process is not None:
            _end(process)
        self._pid_file.unlink(missing_ok=True)
        return process is not None

    def _started_version(self) -> str:
        try:
            return str(json.loads(self._pid_file.read_text())["version"])
        except (OSError, ValueError, KeyError):
            return ""

    def _check_port(self) -> None:
        deadline = time.monotonic() + _PORT_SECONDS
        while not _is_free(self.port):
            # The far end of somebody's connection may have it for a moment; a server keeps it.
            if (holder := _holder(self.port)) or time.monotonic() > deadline:
                raise Problem(
                    f"Port {self.port}, which {self.title} needs, is taken{holder}. "
                    f"Stop that program, or choose another port: {self.port_variable}=<port>."
                )
            time.sleep(0.1)

    def _wait_until_it_answers(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if (code := child.poll()) is not None:
                self._pid_file.unlink(missing_ok=True)
                raise Problem(f"{self.title} ended as it started ({code}). {self._last_lines()}")
            if time.monotonic() > deadline:
                self.stop()
                child.wait()
                raise Problem(
                    f"{self.title} did not answer within {_START_SECONDS:.0f} s. "
                    f"{self._last_lines()}"
                )
            time.sleep(0.05)

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()[-10:]
        return f"The end of {self.log}:\n" + "\n".join(lines)


def stop_leftovers(folder: Path) -> int:
    """Stop what still runs for the stack in `folder` without a pid file; return how many."""
    marked = [process for process in psutil.process_iter() if _belongs(process, folder)]
    for process in marked:
        _end(process)
    return len(marked)


def _belongs(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get(_MARKER) == str(folder)
    except (psutil.Error, OSError):
        return False


def _end(process: psutil.Process) -> None:
    try:
        process.terminate()
        if not _ends(process, within=_STOP_SECONDS):
            process.kill()
            if not _ends(process, within=_KILL_SECONDS):
                raise Problem(f"Process {process.pid} does not end. Stop it: kill -9 {process.pid}")
    except psutil.NoSuchProcess:
        pass


def _ends(process: psutil.Process, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with suppress(psutil.TimeoutExpired):
            process.wait(0.2)
        # One that its parent does not reap is gone all the same.
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp4")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or not connection.pid:
            continue
        if connection.laddr.port == port:
            return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
