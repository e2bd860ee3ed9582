"""mariadbd: the machine's own, or installed by apt as root, or run by Docker."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.commands import clean_environment, run
from tools.dependencies.apt import install_with_apt
from tools.dependencies.docker import docker_answers
from tools.project import Problem, content_hash

__all__ = ["MariaDb", "find_mariadb"]

_IMAGE = "mariadb:10.11"
# The oldest with long-term support.
_OLDEST = (10, 6)
_MYSQL_8_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)
# What concerns statements is the same in Terraform's parameter group (modules/database).
_SETTINGS = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--default-time-zone=+00:00",
    f"--sql-mode={_MYSQL_8_MODE}",
    # Less than clients wait for an answer: the server gives up first, leaving nothing behind.
    "--innodb-lock-wait-timeout=4",
    "--lock-wait-timeout=20",
    "--max-allowed-packet=64M",
    "--max-connections=60",
    # Whoever asks whether it answers hangs up without logging in.
    "--max-connect-errors=4294967295",
    "--log-warnings=1",
    "--innodb-flush-log-at-trx-commit=1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--skip-ssl",
    # Small: it shares a machine with everything else.
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=8M",
    "--performance-schema=OFF",
)
# Debian and others keep servers where only root looks.
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
# A socket's path has room for some hundred characters (sockaddr_un; 104 with macOS).
_LONGEST_SOCKET = 100


def find_mariadb() -> str | None:
    """Return the path of mariadbd, None if it is not installed."""
    return shutil.which("mariadbd", path=_PATH)


@dataclass(frozen=True)
class MariaDb:
    """
    A private server.

    Parameters
    ----------
    folder
        For all that it keeps.
    port
        On loopback.
    name
        What to call the container, where it is one.
    """

    folder: Path
    port: int
    name: str

    @property
    def settings(self) -> tuple[str, ...]:
        """Options that are the same wherever it runs."""
        return _SETTINGS

    @cached_property
    def socket(self) -> Path:
        """Where the administrator, whoever owns the process, is let in without a password."""
        socket = self.folder / "socket"
        if len(str(socket)) <= _LONGEST_SOCKET:
            return socket
        return Path(tempfile.gettempdir()) / f"itemstream-{content_hash([], str(socket))[:16]}.sock"

    @property
    def administrator(self) -> str:
        """User name of the administrator, who comes through the socket."""
        return pwd.getpwuid(os.geteuid()).pw_name

    def command(self) -> tuple[str, ...]:
        """
        Return a command that serves on loopback in the foreground; make what it serves.

        Raises
        ------
        Problem
            If there is no way to run MariaDB here.
        """
        server = find_mariadb() or install_with_apt("mariadb-server", find_mariadb)
        data = self.folder / "data"
        if server:
            _check_version(server)
            if not (data / "mysql").exists():
                self._make(data)
            return (
                *(server, "--no-defaults", *_as_root()),
                *(f"--datadir={data}", f"--socket={self.socket}"),
                f"--pid-file={self.folder / 'mariadbd.pid'}",
                *(f"--port={self.port}", "--bind-address=127.0.0.1"),
                *_SETTINGS,
            )
        if docker_answers():
            data.mkdir(parents=True, exist_ok=True)
            return (
                *("docker", "run", "--rm", "--name", self.name, "--user", str(os.geteuid())),
                *("-p", f"127.0.0.1:{self.port}:3306", "-v", f"{data}:/var/lib/mysql"),
                # Of the container's own socket: no other address lets it in.
                *("-e", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1", "-e", "MARIADB_ROOT_HOST=localhost"),
                *(_IMAGE, *_SETTINGS),
            )
        raise Problem(
            "MariaDB is missing. Install it (`sudo apt-get install mariadb-server`, "
            "`brew install mariadb`, `sudo dnf install mariadb-server`) or start Docker, then run "
            "`make up` again."
        )

    def administer(self, statements: str) -> str:
        """
        Run SQL as the administrator of the running server, and return what it prints.

        Raises
        ------
        Problem
            If a statement fails.
        """
        client = shutil.which("mariadb", path=_PATH)
        if find_mariadb() and client:
            command = [client, "--no-defaults", f"--user={self.administrator}"]
            command.append(f"--socket={self.socket}")
        else:
            command = ["docker", "exec", "-i", self.name, "mariadb", "--user=root"]
        # By standard input: arguments are seen by everybody on the machine.
        done = subprocess.run(
            [*command, "--batch", "--skip-column-names"],
            input=statements,
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise Problem(f"MariaDB refuses what sets it up: {done.stderr.strip()}")
        return done.stdout

    def _make(self, data: Path) -> None:
        program = shutil.which("mariadb-install-db", path=_PATH)
        if program is None:
            raise Problem(
                "MariaDB's program `mariadb-install-db` is missing. Install MariaDB anew."
            )
        data.parent.mkdir(parents=True, exist_ok=True)
        # Made beside and moved: half a folder would never be finished.
        shutil.rmtree(unfinished := data.with_name("unfinished"), ignore_errors=True)
        run(
            [
                *(program, "--no-defaults", *_as_root(), f"--datadir={unfinished}"),
                "--auth-root-authentication-method=socket",
                f"--auth-root-socket-user={self.administrator}",
                *("--skip-test-db", "--skip-name-resolve"),
                # What has to be the same when it is served.
                *(option for option in _SETTINGS if option.startswith("--innodb-log-file")),
            ],
            environment=clean_environment(),
        )
        unfinished.rename(data)


def _check_version(server: str) -> None:
    said = run([server, "--version"], environment=clean_environment())
    version = re.search(r"Ver (\d+)\.(\d+)", said)
    if version and (int(version[1]), int(version[2])) < _OLDEST:
        raise Problem(
            f"MariaDB {version[1]}.{version[2]} is too old: {_OLDEST[0]}.{_OLDEST[1]} or newer is "
            "needed. Upgrade it, or take it away and start Docker, then run `make up` again."
        )


def _as_root() -> tuple[str, ...]:
    # Without it the server refuses to run as root.
    return ("--user=root",) if os.geteuid() == 0 else ()
