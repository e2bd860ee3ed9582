"""A stack's settings, its lock, its status and its logs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tools.project import ROOT, Problem
from tools.stack import settings
from tools.stack.logs import show_log
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("STACK", "REGION", "PORT_AWS", "PORT_LAMBDA_HOST", "PORT_REDIS"):
        monkeypatch.delenv(f"ITEMSTREAM_{name}", raising=False)
    monkeypatch.setattr(settings, "LOCAL", tmp_path)


def test_two_stacks_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    # When
    local = current_stack()
    monkeypatch.setenv("ITEMSTREAM_STACK", "test")
    test = current_stack()

    # Then
    ports = [
        port
        for stack in (local, test)
        for port in (stack.aws_port, stack.lambda_host_port, stack.redis_port)
    ]
    assert len(set(ports)) == len(ports)
    assert local.folder != test.folder


def test_ports_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITEMSTREAM_PORT_AWS", "5000")
    assert current_stack().aws_endpoint_url == "http://127.0.0.1:5000"


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("ITEMSTREAM_PORT_REDIS", port)
    with pytest.raises(Problem, match=f"ITEMSTREAM_PORT_REDIS={port}"):
        current_stack()


def test_only_one_command_changes_a_stack_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    stack = current_stack()
    with stack.locked():
        # When
        with pytest.raises(Problem, match="Another command"), stack.locked():
            pass
        monkeypatch.setenv("ITEMSTREAM_STACK", "another")

        # Then: another stack is free
        with current_stack().locked():
            pass
    with stack.locked():
        pass


@pytest.mark.parametrize("there", [False, True])
def test_what_a_stack_keeps_is_its_owners_alone(there: bool) -> None:
    # Given
    stack = current_stack()
    if there:
        stack.folder.mkdir(mode=0o755)

    # When
    with stack.locked():
        pass

    # Then
    assert stack.folder.stat().st_mode & 0o777 == 0o700


def test_the_status_of_a_stack_that_is_down_is_for_programs_too() -> None:
    # When
    done = subprocess.run(
        [sys.executable, "-m", "tools", "status", "--json"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "ITEMSTREAM_STACK": "never-started"},
        capture_output=True,
        text=True,
        check=False,
    )

    # Then
    assert done.returncode == 1
    status = json.loads(done.stdout)
    assert status["healthy"] is False
    assert status["rest_api_url"] is None
    for name in ("http_api_url", "websocket_url", "mysql_url"):
        assert status[name] is None
    assert status["tables"]["silver_call"] is None
    assert any("make up" in problem for problem in status["problems"])


def test_a_log_shows_its_last_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Given
    log = tmp_path / "f.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))

    # When
    show_log({"f": str(log)}, "f", follow=False)

    # Then
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "line 999"
    assert len(shown) == 200


def test_an_unknown_log_is_answered_with_those_there_are() -> None:
    with pytest.raises(Problem, match="create_item, redis"):
        show_log({"redis": "/r", "create_item": "/c"}, "nothing", follow=False)


def test_a_followed_log_goes_on(tmp_path: Path) -> None:
    # Given
    log = tmp_path / "f.log"
    code = (
        f"from tools.stack.logs import show_log; show_log({{'f': {str(log)!r}}}, 'f', follow=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        timer = threading.Timer(20, follower.kill)
        timer.start()

        # When: it is written to after it was begun, and then anew
        log.write_text("first\n")
        assert follower.stdout.readline() == "first\n"
        with log.open("a") as file:
            file.write("second\n")
        assert follower.stdout.readline() == "second\n"

        # Then
        timer.cancel()
        follower.kill()
