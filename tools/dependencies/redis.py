"""redis-server: the machine's own, or installed by apt as root, or run by Docker."""

from __future__ import annotations

import os
import shutil
import subprocess

from tools.commands import clean_environment, run
from tools.project import Problem

__all__ = ["redis_command"]

_IMAGE = "redis:7-alpine"
# Nothing is kept: the cache must never be needed to be right.
_SETTINGS = ("--save", "", "--appendonly", "no", "--maxmemory", "256mb")
_EVICTION = ("--maxmemory-policy", "allkeys-lru")


def redis_command(port: int, name: str) -> tuple[str, ...]:
    """
    Return a command that serves Redis on loopback in the foreground.

    Parameters
    ----------
    port
        The port to serve on.
    name
        What to call the container, where it is one.

    Raises
    ------
    Problem
        If there is no way to run Redis here.
    """
    server = shutil.which("redis-server") or _install_with_apt()
    if server:
        return (server, "--port", str(port), "--bind", "127.0.0.1", *_SETTINGS, *_EVICTION)
    if _docker_answers():
        container = ("docker", "run", "--rm", "--name", name, "-p", f"127.0.0.1:{port}:6379")
        return (*container, _IMAGE, "redis-server", *_SETTINGS, *_EVICTION)
    raise Problem(
        "Redis is missing. Install it (`sudo apt-get install redis-server`, `brew install redis`, "
        "`sudo dnf install redis`) or start Docker, then run `make up` again."
    )


def _install_with_apt() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    # In run level 1 Debian's scripts do not start the service: it would take the standard port.
    environment = clean_environment(DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    try:
        run(["apt-get", "update", "-qq"], environment=environment)
        run(
            ["apt-get", "install", "-qq", "--no-install-recommends", "redis-server"],
            environment=environment,
        )
    except Problem:
        return None
    return shutil.which("redis-server")


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    try:
        answer = subprocess.run(
            ["docker", "info"],
            capture_output=True,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
