"""Processes of the stack: started once, watched, and stopped for sure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from threading import Timer
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.waiting import eventually
from tools.project import Problem
from tools.stack import daemons
from tools.stack.daemons import Daemon, stop_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LISTENS = (
    "import socket, sys, time\n"
    "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "print('listening', flush=True)\n"
    "while True: s.accept()[0].close()\n"
)
# Starts what is in its arguments and never asks how it ended.
CARELESS = (
    "import subprocess, sys, time\n"
    "print(subprocess.Popen(sys.argv[1:]).pid, flush=True)\n"
    "time.sleep(60)"
)
SILENT = "import time; print('I am silent', flush=True); time.sleep(60)"
ENDS = "import sys; sys.exit('out of order')"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def daemon(tmp_path: Path, port: int) -> Iterator[Callable[..., Daemon]]:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def make(code: str = LISTENS, **changes: Any) -> Daemon:
        return Daemon(
            name="trial",
            title="the trial",
            command=lambda: (sys.executable, "-c", code, str(port)),
            environment={"PATH": os.environ["PATH"]},
            port=port,
            port_variable="ITEMSTREAM_PORT_TRIAL",
            folder=tmp_path,
            answers=answers,
            **changes,
        )

    yield make
    stop_leftovers(tmp_path)


def pid_of(daemon: Daemon) -> int:
    process = daemon.process()
    assert process is not None
    return process.pid


def test_it_runs_on_when_it_is_started_again(daemon: Callable[..., Daemon]) -> None:
    # Given
    assert daemon().start() == "started"
    pid = pid_of(daemon())

    # When
    again = daemon().start()

    # Then
    assert again == "running"
    assert pid_of(daemon()) == pid
    assert daemon().state() == "running"
    assert "listening" in daemon().log.read_text()


def test_a_new_version_replaces_the_old_one(daemon: Callable[..., Daemon]) -> None:
    # Given
    daemon(version="1").start()
    pid = pid_of(daemon())

    # When
    outcome = daemon(version="2").start()

    # Then
    assert outcome == "restarted"
    assert pid_of(daemon()) != pid
    assert not psutil.pid_exists(pid)


def test_a_crash_is_noticed_and_mended(daemon: Callable[..., Daemon]) -> None:
    # Given
    daemon().start()
    os.kill(pid_of(daemon()), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while daemon().process() is not None:
        assert time.monotonic() < deadline

    # Then
    assert daemon().state() == "crashed"
    assert daemon().start() == "restarted"
    assert daemon().state() == "running"


def test_stopping_ends_it(daemon: Callable[..., Daemon]) -> None:
    # Given
    daemon().start()
    pid = pid_of(daemon())

    # When
    stopped = daemon().stop()

    # Then
    assert stopped
    assert daemon().state() == "stopped"
    assert not psutil.pid_exists(pid)
    assert not daemon().stop()


def test_a_taken_port_is_named_with_who_holds_it(daemon: Callable[..., Daemon], port: int) -> None:
    # Given
    with socket.create_server(("127.0.0.1", port)), pytest.raises(Problem) as raised:
        # When
        daemon(code=SILENT).start()

    # Then
    assert str(port) in str(raised.value)
    assert "ITEMSTREAM_PORT_TRIAL" in str(raised.value)
    assert f"pid {os.getpid()}" in str(raised.value)


def test_a_port_that_a_connection_has_for_a_moment_is_waited_for(
    daemon: Callable[..., Daemon], port: int
) -> None:
    # Given a connection that goes out from the very port, and ends soon
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        away = socket.socket()
        away.bind(("127.0.0.1", port))
        away.connect(elsewhere.getsockname())
        away.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        soon = Timer(0.3, away.close)
        soon.start()

        # When
        started = daemon().start()

    # Then
    soon.join()
    assert started == "started"


def test_one_that_ends_at_once_shows_its_last_words(daemon: Callable[..., Daemon]) -> None:
    # When
    with pytest.raises(Problem) as raised:
        daemon(code=ENDS).start()

    # Then
    assert "out of order" in str(raised.value)
    assert daemon().state() == "stopped"


def test_one_that_stays_silent_is_stopped(
    daemon: Callable[..., Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(daemons, "_START_SECONDS", 0.5)

    # When
    with pytest.raises(Problem, match=r"did not answer within") as raised:
        daemon(code=SILENT).start()

    # Then
    assert "I am silent" in str(raised.value)
    assert daemon().process() is None


def test_leftovers_are_found_without_a_pid_file(
    daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    # Given
    daemon().start()
    pid = pid_of(daemon())
    (tmp_path / "run" / "trial.json").unlink()
    with subprocess.Popen([sys.executable, "-c", SILENT], stdout=subprocess.DEVNULL) as stranger:
        # When
        stopped = stop_leftovers(tmp_path)

        # Then
        assert stopped == 1
        assert not psutil.pid_exists(pid)
        assert stranger.poll() is None
        stranger.kill()


def test_one_that_nobody_reaps_counts_as_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(daemons, "_STOP_SECONDS", 5)
    monkeypatch.setattr(daemons, "_KILL_SECONDS", 1)
    marked = ["env", f"ITEMSTREAM_DAEMON_OF={tmp_path}", sys.executable, "-c", SILENT]
    command = [sys.executable, "-c", CARELESS, *marked]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        eventually(lambda: "ITEMSTREAM_DAEMON_OF" in child.environ())

        # When
        stopped = stop_leftovers(tmp_path)

        # Then
        assert stopped == 1
        assert child.status() == psutil.STATUS_ZOMBIE
        parent.kill()


def test_one_that_does_not_end_even_when_killed_is_named(
    daemon: Callable[..., Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    daemon().start()
    monkeypatch.setattr(daemons, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr(daemons, "_KILL_SECONDS", 0.1)

    # When
    with monkeypatch.context() as deaf:
        deaf.setattr(psutil.Process, "terminate", lambda _: None)
        deaf.setattr(psutil.Process, "kill", lambda _: None)
        with pytest.raises(Problem, match=r"kill -9 \d+"):
            daemon().stop()

    # Then it is still known, and can be stopped
    assert daemon().state() == "running"
    assert daemon().stop()
