"""The host's own end, wanted or not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.integration.lambda_host.conftest import SECONDS, gone
from tests.waiting import eventually
from tools.lambda_host import stop_survivors
from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.lambda_host.conftest import Aws, Host


def test_a_stopped_host_lets_what_runs_finish_and_writes_its_logs(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    function = aws.function("trials.sleeps")
    with ThreadPoolExecutor() as threads:
        invocation = threads.submit(host.invoke, function, {"seconds": 1})
        eventually(lambda: host.health()["running"] == 1)

        # When
        exit_status = host.stop()

    # Then
    assert exit_status == 0
    assert gone(invocation.result().payload)
    group = f"/aws/lambda/{function.name}"
    events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    assert events[-1]["message"].startswith("REPORT")


def test_a_stopped_host_waits_for_nobody_for_long(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host(grace_seconds=0.2)
    function = aws.function("trials.loops")
    pids = host.state / "pids"
    with ThreadPoolExecutor() as threads:
        threads.submit(host.invoke, function, {"pids": str(pids)})
        eventually(pids.exists)

        # When
        began = time.monotonic()
        host.stop()

    # Then
    assert time.monotonic() - began < 5
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_processes_die_with_a_killed_host_and_the_sweep_finds_the_rest(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    left = host.invoke(aws.function("trials.starts_a_child")).payload

    # When
    host.stop(signal.SIGKILL)

    # Then
    if sys.platform == "linux":
        eventually(lambda: gone(left["pid"]))
    assert stop_survivors(host.state) >= 1
    eventually(lambda: gone(left["child"]))


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_function_that_is_busy_dies_with_a_killed_host(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    pids = host.state / "pids"
    function = aws.function("trials.loops", Timeout=60)
    with ThreadPoolExecutor() as threads:
        threads.submit(host.invoke, function, {"pids": str(pids)})
        eventually(lambda: pids.exists() and pids.read_text())

        # When
        host.stop(signal.SIGKILL)

    # Then
    process = int(pids.read_text().split()[0])
    eventually(lambda: gone(process))


def test_the_sweep_spares_what_belongs_to_another_stack(
    aws: Aws, start_host: Callable[..., Host], workspace: Path
) -> None:
    # Given
    host = start_host()
    left = host.invoke(aws.function("trials.starts_a_child")).payload

    # When
    killed = stop_survivors(workspace / "another")

    # Then
    assert killed == 0
    assert not gone(left["pid"])
    assert not gone(left["child"])


def test_a_host_that_starts_again_ends_what_the_last_one_left(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    left = host.invoke(aws.function("trials.starts_a_child")).payload
    host.stop(signal.SIGKILL)

    # When
    start_host(state=host.state)

    # Then
    eventually(lambda: gone(left["child"]))


def test_a_taken_port_says_which_variable_changes_it_and_ends_nothing(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    function = aws.function("trials.echo")
    before = host.invoke(function).payload
    command = [sys.executable, "-m", "tools.lambda_host", "--aws-endpoint", aws.endpoint]
    places = ["--root", str(ROOT), "--state", str(host.state)]

    # When
    second = subprocess.run(
        [*command, *places, "--port", str(host.port)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )

    # Then
    assert second.returncode == 1
    assert f"port {host.port}" in second.stderr
    assert "ITEMSTREAM_PORT_LAMBDA_HOST" in second.stderr
    assert host.invoke(function).payload["pid"] == before["pid"]
