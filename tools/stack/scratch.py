"""A MiniStack for one test run or benchmark: on a free port, nothing kept, gone at the end."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tools.commands import clean_environment
from tools.project import ROOT
from tools.stack.parts import MINISTACK_LAUNCHER, install_ministack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ScratchMinistack", "free_port", "scratch_ministack"]

_START_SECONDS = 30.0


@dataclass(frozen=True)
class ScratchMinistack:
    """A running MiniStack."""

    endpoint: str
    process: subprocess.Popen[bytes]


@contextmanager
def scratch_ministack(folder: Path, **settings: str) -> Iterator[ScratchMinistack]:
    """
    Start MiniStack as the local stack has it, and kill it at the end.

    Parameters
    ----------
    folder
        For its files.
    settings
        Environment variables beside the usual ones.

    Raises
    ------
    RuntimeError
        If it does not answer.
    """
    install_ministack()
    endpoint = f"http://127.0.0.1:{(port := free_port())}"
    usual = {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # Where no function is invoked, no host is needed: nothing listens there.
        "ITEMSTREAM_LAMBDA_HOST_URL": "http://127.0.0.1:9",
    }
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        MINISTACK_LAUNCHER,
        cwd=ROOT,
        env=clean_environment(**{**usual, **settings}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(endpoint, process)
        yield ScratchMinistack(endpoint, process)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{endpoint}/_ministack/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise RuntimeError("MiniStack does not answer")
