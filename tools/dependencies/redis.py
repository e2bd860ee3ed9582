"""redis-server: the machine's own, or installed by apt as root, or run by Docker."""

from __future__ import annotations

import shutil

from tools.dependencies.apt import install_with_apt
from tools.dependencies.docker import docker_answers
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
    server = _find() or install_with_apt("redis-server", _find)
    if server:
        return (server, "--port", str(port), "--bind", "127.0.0.1", *_SETTINGS, *_EVICTION)
    if docker_answers():
        container = ("docker", "run", "--rm", "--name", name, "-p", f"127.0.0.1:{port}:6379")
        return (*container, _IMAGE, "redis-server", *_SETTINGS, *_EVICTION)
    raise Problem(
        "Redis is missing. Install it (`sudo apt-get install redis-server`, `brew install redis`, "
        "`sudo dnf install redis`) or start Docker, then run `make up` again."
    )


def _find() -> str | None:
    return shutil.which("redis-server")
