"""The four processes of the local stack, in the order they start."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import httpx

from tools.commands import clean_environment
from tools.dependencies.mariadb import MariaDb
from tools.dependencies.redis import redis_command
from tools.dependencies.uv import install_environment
from tools.project import LOCAL, REQUIREMENTS, ROOT, content_hash, files_below
from tools.stack.daemons import Daemon
from tools.stack.run_choice import Run, chosen

if TYPE_CHECKING:
    from tools.stack.settings import Stack

__all__ = [
    "MINISTACK_LAUNCHER",
    "install_ministack",
    "lambda_host",
    "mariadb",
    "mariadb_server",
    "ministack",
    "parts",
    "redis",
]

# MiniStack pins packages that we do not want pinned, so it has an environment of its own.
_MINISTACK_ENVIRONMENT = LOCAL / "ministack-venv"
MINISTACK_LAUNCHER = (
    str(_MINISTACK_ENVIRONMENT / "bin" / "python"),
    "-m",
    "tools.local_aws.launcher",
)


def install_ministack() -> bool:
    """Install the pinned MiniStack if it is not there; say whether anything was done."""
    lock = REQUIREMENTS / "ministack.txt"
    return install_environment(_MINISTACK_ENVIRONMENT, lock, sys.executable)


def parts(stack: Stack) -> list[Daemon]:
    """List the stack's processes in the order they start."""
    return [redis(stack), mariadb(stack), ministack(stack), lambda_host(stack)]


def redis(stack: Stack) -> Daemon:
    """Describe the private Redis that stands for ElastiCache."""
    return Daemon(
        name="redis",
        title="Redis",
        command=lambda: redis_command(stack.redis_port, f"itemstream-{stack.name}-redis"),
        environment=clean_environment(),
        port=stack.redis_port,
        port_variable="ITEMSTREAM_PORT_REDIS",
        folder=stack.folder,
        answers=lambda: _redis_answers(stack.redis_port),
    )


def mariadb_server(stack: Stack) -> MariaDb:
    """Tell where the private MariaDB keeps what it has."""
    return MariaDb(stack.folder / "mariadb", stack.mariadb_port, f"itemstream-{stack.name}-mariadb")


def mariadb(stack: Stack) -> Daemon:
    """Describe the private MariaDB that stands for RDS; its data is kept."""
    server = mariadb_server(stack)
    return Daemon(
        name="mariadb",
        title="MariaDB",
        command=server.command,
        environment=clean_environment(),
        port=stack.mariadb_port,
        port_variable="ITEMSTREAM_PORT_MARIADB",
        folder=stack.folder,
        answers=lambda: _mariadb_answers(stack.mariadb_port),
        version=content_hash([], *server.settings),
    )


def ministack(stack: Stack) -> Daemon:
    """Describe the local AWS, with IAM enforced and its state kept."""
    state = stack.folder / "ministack"
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    environment = clean_environment(
        PYTHONPATH=str(ROOT),
        PYTHONDONTWRITEBYTECODE="1",
        TMPDIR=str(temporary),
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(stack.aws_port),
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_REGION=stack.region,
        AUTH="true",
        PERSIST_STATE="1",
        STATE_DIR=str(state / "state"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(state / "s3"),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        REDIS_HOST="127.0.0.1",
        REDIS_PORT=str(stack.redis_port),
        ITEMSTREAM_LAMBDA_HOST_URL=stack.lambda_host_url,
    )
    return Daemon(
        name="ministack",
        title="MiniStack (the local AWS)",
        command=lambda: MINISTACK_LAUNCHER,
        environment=environment,
        port=stack.aws_port,
        port_variable="ITEMSTREAM_PORT_AWS",
        folder=stack.folder,
        answers=lambda: _answers(f"{stack.aws_endpoint_url}/_ministack/health"),
        version=content_hash(
            files_below(ROOT / "tools" / "local_aws", REQUIREMENTS / "ministack.txt"),
            *sorted(f"{name}={value}" for name, value in environment.items()),
        ),
    )


def lambda_host(stack: Stack) -> Daemon:
    """Describe the host that runs the functions under AWS's runtime client."""
    choice = chosen(stack)
    runs = (
        ("--root", str(ROOT)) if choice.run is Run.SOURCE else ("--base-image", choice.base_image)
    )
    return Daemon(
        name="lambda_host",
        title="the Lambda host",
        command=lambda: (
            *(sys.executable, "-m", "tools.lambda_host"),
            *("--port", str(stack.lambda_host_port)),
            *("--aws-endpoint", stack.aws_endpoint_url),
            *runs,
            *("--state", str(stack.lambda_host_folder)),
        ),
        environment=clean_environment(**stack.aws_environment(), PYTHONPATH=str(ROOT)),
        port=stack.lambda_host_port,
        port_variable="ITEMSTREAM_PORT_LAMBDA_HOST",
        folder=stack.folder,
        answers=lambda: _answers(f"{stack.lambda_host_url}/health"),
        version=content_hash(
            files_below(
                ROOT / "tools" / "lambda_host",
                ROOT / "tools" / "containers" / "store.py",
                REQUIREMENTS / "tools.txt",
            ),
            f"{stack.aws_endpoint_url} {stack.region}",
            *runs,
        ),
    )


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _mariadb_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            # Whoever connects is greeted, or told that there are too many.
            return len(connection.recv(5)) == 5
    except OSError:
        return False
