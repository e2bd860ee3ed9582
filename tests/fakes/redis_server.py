"""A real Redis of a test run's own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_SECONDS = 10


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def redis_server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Redis that keeps nothing on disk."""
    if shutil.which("redis-server") is None:
        pytest.fail(
            "redis-server is not installed: run `make up` once, or install it "
            "(apt-get install redis-server, brew install redis)"
        )
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(server, port)
        yield server
    finally:
        server.kill()
        server.wait()


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    with redis.Redis("127.0.0.1", port, protocol=2) as client:
        while time.monotonic() < deadline and server.poll() is None:
            try:
                answering = client.info("server")["process_id"]
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                if answering == server.pid:
                    return
                break
    pytest.fail(f"redis-server does not start: is port {port} taken?")
