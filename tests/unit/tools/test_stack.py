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
from tools.stack.record import save_outputs
from tools.stack.settings import current_stack
from tools.stack.status import status_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("STACK", "REGION", "PORT_AWS", "PORT_LAMBDA_HOST", "PORT_REDIS", "PORT_MARIADB"):
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
        for port in (
            *(stack.aws_port, stack.lambda_host_port),
            *(stack.redis_port, stack.mariadb_port),
        )
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
    assert status["bus"] is None
    assert status["tables"]["silver_call"] is None
    assert status["buckets"]["landing"] is None
    assert any("make up" in problem for problem in status["problems"])


def test_programs_learn_what_is_applied() -> None:
    # Given what Terraform said of a stack
    stack = current_stack()
    stack.folder.mkdir()
    letters = {
        "arn": "arn:aws:sqs:us-east-1:000000000000:n-dead-letters",
        "name": "n-dead-letters",
        "url": "http://127.0.0.1:45660/000000000000/n-dead-letters",
        "kind": "queue",
        "function": "notification_sender",
        "queue": "notifications",
    }
    mapping = {"uuid": "1", "function": "event_router", "kind": "stream", "source": "events"}
    save_outputs(
        stack,
        {
            "rest_api_id": "r1",
            "rest_api_stage": "v1",
            "http_api_id": "h1",
            "http_api_stage": "v1",
            "websocket_api_id": "w1",
            "websocket_api_stage": "v1",
            "tables": {"silver_call": "itemstream-local-silver-call"},
            "dead_letters": {"notifications": letters},
            "bus": {"name": "itemstream-local-events"},
            "event_source_mappings": {"event_router/events": mapping},
        },
    )

    # When
    status = status_of(stack).document

    # Then
    assert status["rest_api_url"] == "http://127.0.0.1:45660/_aws/execute-api/r1/v1"
    assert status["http_api_url"] == "http://127.0.0.1:45660/_aws/execute-api/h1/v1"
    assert status["websocket_url"] == "ws://127.0.0.1:45660/_aws/execute-api/w1/v1"
    assert status["tables"]["silver_call"] == "itemstream-local-silver-call"
    assert status["tables"]["connections"] is None
    assert status["dead_letters"] == {"notifications": letters}
    assert status["bus"] == {"name": "itemstream-local-events"}
    assert status["event_source_mappings"] == {"event_router/events": mapping}


def test_a_stack_that_was_applied_before_the_http_api_was_there_has_a_status() -> None:
    # Given
    stack = current_stack()
    stack.folder.mkdir()
    save_outputs(stack, {"rest_api_id": "r1", "rest_api_stage": "v1"})

    # When
    status = status_of(stack).document

    # Then
    assert status["rest_api_url"] is not None
    assert status["http_api_url"] is None
    assert status["websocket_url"] is None


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
