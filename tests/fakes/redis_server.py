"""A real Redis of a test run's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import redis

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_PORT = 46100
DEADLINE_SECONDS = 10


def port_of_worker() -> int:
    """Return a port that no other worker of this test run uses."""
    return FIRST_PORT + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


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
    with redis.Redis(port=port, protocol=2) as client:
        while time.monotonic() < deadline:
            if server.poll() is not None:
                break
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.01)
            else:
                return
    pytest.fail(f"redis-server does not start: is port {port} taken?")
