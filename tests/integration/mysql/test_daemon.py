"""The stack's own MariaDB: started, set up, stopped and started again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mariadb import free_port
from tools.project import Problem
from tools.stack import settings as stack_settings
from tools.stack.parts import mariadb, mariadb_server
from tools.stack.settings import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a MariaDB as a stack of its own would."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-") as folder,
        pytest.MonkeyPatch.context() as changes,
    ):
        changes.setattr(stack_settings, "LOCAL", Path(folder))
        stack = Stack("trial", 1, 2, 3, free_port(), "us-east-1")
        stack.folder.mkdir()
        assert mariadb(stack).start() == "started"
        yield stack
        mariadb(stack).stop()


def test_what_mariadb_keeps_outlives_it(stack: Stack) -> None:
    # Given a server that was set up
    daemon, server = mariadb(stack), mariadb_server(stack)
    assert daemon.start() == "running"
    server.administer("CREATE DATABASE kept;\nCREATE TABLE kept.t (id INT);\n")

    # When it ends and starts again
    assert daemon.stop()
    assert daemon.state() == "stopped"
    assert daemon.start() == "started"

    # Then what it had is there
    assert server.administer("SHOW TABLES FROM kept;") == "t\n"


def test_a_statement_that_is_refused_is_a_problem(stack: Stack) -> None:
    with pytest.raises(Problem, match=r"refuses what sets it up.*nowhere"):
        mariadb_server(stack).administer("USE nowhere;")


def test_nobody_comes_in_over_the_network_without_a_password(stack: Stack) -> None:
    # Given a server that no stack has given an owner yet
    # Then everybody whom it knows needs the socket
    accounts = mariadb_server(stack).administer(
        "SELECT JSON_VALUE(priv, '$.plugin'), JSON_VALUE(priv, '$.authentication_string'), host"
        " FROM mysql.global_priv;"
    )
    for line in accounts.splitlines():
        _, secret, host = line.split("\t")
        assert host == "localhost"
        assert secret in {"invalid", ""}
