"""Which local stack: its name, ports and folders."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.project import LOCAL, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ACCOUNT", "Stack", "current_stack"]

ACCOUNT = "000000000000"
_FIRST_PORT = {"local": 45660, "test": 45760}


@dataclass(frozen=True)
class Stack:
    """One local stack. Several can run side by side under different names and ports."""

    name: str
    aws_port: int
    lambda_host_port: int
    redis_port: int
    mariadb_port: int
    region: str

    @property
    def folder(self) -> Path:
        """Everything the stack keeps."""
        return LOCAL / self.name

    @property
    def logs(self) -> Path:
        """Log files of the stack's processes."""
        return self.folder / "logs"

    @property
    def lambda_host_folder(self) -> Path:
        """What the Lambda host keeps; functions' logs are in its folder `logs`."""
        return self.folder / "lambda_host"

    @property
    def aws_endpoint_url(self) -> str:
        """Where MiniStack answers as AWS."""
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def redis_url(self) -> str:
        """Where the private Redis answers."""
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def mysql_url(self) -> str:
        """Where the private MariaDB answers; the user's password is in a secret."""
        return f"mysql://itemstream@127.0.0.1:{self.mariadb_port}/itemstream"

    @property
    def lambda_host_url(self) -> str:
        """Where the Lambda host takes invocations."""
        return f"http://127.0.0.1:{self.lambda_host_port}"

    def aws_environment(self) -> dict[str, str]:
        """Environment variables by which any AWS client speaks to this stack, as its root user."""
        return {
            "AWS_ENDPOINT_URL": self.aws_endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    @contextmanager
    def locked(self) -> Iterator[None]:
        """
        Keep other commands from changing this stack meanwhile.

        Raises
        ------
        Problem
            If another one is at work.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # Private keys are among what it keeps; a folder of an older stack is closed too.
        self.folder.chmod(0o700)
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(
                    f"Another command is changing the stack `{self.name}` just now. Wait for it, "
                    "or use another stack: ITEMSTREAM_STACK=<name>, with ports of its own."
                ) from None
            yield


def current_stack() -> Stack:
    """
    Read which stack is meant from ITEMSTREAM_STACK, ITEMSTREAM_PORT_* and ITEMSTREAM_REGION.

    Raises
    ------
    Problem
        If a port is not a number.
    """
    name = os.environ.get("ITEMSTREAM_STACK") or "local"
    first = _FIRST_PORT.get(name, _FIRST_PORT["local"])
    return Stack(
        name,
        _port("ITEMSTREAM_PORT_AWS", first),
        _port("ITEMSTREAM_PORT_LAMBDA_HOST", first + 1),
        _port("ITEMSTREAM_PORT_REDIS", first + 2),
        _port("ITEMSTREAM_PORT_MARIADB", first + 3),
        os.environ.get("ITEMSTREAM_REGION") or "us-east-1",
    )


def _port(variable: str, default: int) -> int:
    given = os.environ.get(variable) or str(default)
    if not given.isdecimal() or not 1 <= int(given) <= 65535:
        raise Problem(f"{variable}={given} is not a port. Use a number from 1 to 65535.")
    return int(given)
