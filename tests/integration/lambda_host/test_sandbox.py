"""Functions in sandboxes: what they see is Lambda's, and all of it ends with them."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.integration.lambda_host.conftest import archive, handlers
from tests.waiting import eventually
from tools.lambda_host import stop_survivors
from tools.lambda_host.survivors import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.lambda_host.conftest import Aws, Function, Host


def processes_of(host: Host, function: Function) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if (
                environment.get(MARKER) == str(host.state)
                and environment["AWS_LAMBDA_FUNCTION_NAME"] == function.name
            ):
                found.append(process)
    return found


def test_a_function_sees_a_read_only_root_and_nobody_else(aws: Aws, sandboxes: Host) -> None:
    # Given
    function = aws.zip_function("trials.sandbox")

    # When
    found = sandboxes.invoke(function).payload

    # Then
    assert found["user"] == [993, 990, []]
    assert {"NoNewPrivs:\t1", f"CapEff:\t{0:016x}"} <= set(found["status"])
    assert found["folder"] == "/var/task"
    assert found["python"] == [3, 13]
    places = ("/", "/var/task", "/opt/python", "/etc", "/dev")
    assert found["refused"] == [[place, "EROFS"] for place in places]
    # The shell that waits for it, and itself.
    assert len(found["processes"]) == 2


def test_nothing_is_mounted_outside(aws: Aws, sandboxes: Host) -> None:
    # Given
    sandboxes.invoke(aws.zip_function("trials.echo"))

    # When
    mounts = Path("/proc/self/mounts").read_text()

    # Then
    assert str(sandboxes.state) not in mounts


def test_it_has_the_variables_of_its_image_and_of_lambda_and_no_others(
    aws: Aws, sandboxes: Host
) -> None:
    # Given
    function = aws.zip_function("trials.variables", Environment={"Variables": {"OWN": "1"}})

    # When
    found = sandboxes.invoke(function).payload

    # Then
    expected = {
        "OWN": "1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "PYTHONPATH": "/opt/python",
        "_HANDLER": "functions.trials.variables",
    }
    assert expected.items() <= found.items()
    assert not {"SECRET_OF_THE_USER", "TMPDIR", "HOME", "USER"} & found.keys()


def test_each_environment_has_a_tmp_of_its_own_that_is_gone_at_its_end(
    aws: Aws, sandboxes: Host
) -> None:
    # Given
    functions = [aws.zip_function("trials.temporary_files") for _ in range(2)]

    # When
    first, second = (sandboxes.invoke(function).payload for function in functions)
    again = sandboxes.invoke(functions[0]).payload

    # Then
    empty = {"found": [], "slash_tmp": ["mine"], "folder": "/tmp"}  # noqa: S108
    assert first == second == empty
    assert again == {**empty, "found": ["mine"]}


def test_a_version_runs_what_it_was_published_with(aws: Aws, sandboxes: Host) -> None:
    # Given
    function, client = aws.zip_function("trials.layered"), aws.client("lambda")
    client.publish_version(FunctionName=function.name)
    layer = client.publish_layer_version(
        LayerName=function.name, Content={"ZipFile": archive({"python/layered.py": "version = 2"})}
    )
    client.update_function_configuration(
        FunctionName=function.name, Layers=[layer["LayerVersionArn"]]
    )
    moved = {path.replace("trials", "moved"): text for path, text in handlers().items()}
    client.update_function_code(FunctionName=function.name, ZipFile=archive(moved))
    client.update_function_configuration(
        FunctionName=function.name, Handler="functions.moved.layered"
    )
    client.publish_version(FunctionName=function.name)
    client.delete_layer_version(LayerName=function.name, VersionNumber=1)

    # When
    answers = [sandboxes.invoke(function, version=version).payload for version in ("1", "2")]

    # Then
    layered = "/opt/python/layered.py"
    assert answers == [
        {"layer": layered, "version": 1, "handler": "/var/task/functions/trials.py"},
        {"layer": layered, "version": 2, "handler": "/var/task/functions/moved.py"},
    ]


@pytest.mark.parametrize(
    ("handler", "reason"),
    [("segfaults", "signal: segmentation fault"), ("exits", "exit status 3")],
)
def test_an_end_is_named_by_its_signal_or_status(
    aws: Aws, sandboxes: Host, handler: str, reason: str
) -> None:
    # Given
    function = aws.zip_function(f"trials.{handler}")

    # When
    answer = sandboxes.invoke(function, {"status": 3})

    # Then
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith(f"Runtime exited with error: {reason}")


def test_the_memory_that_counts_is_the_functions(aws: Aws, sandboxes: Host) -> None:
    # Given
    frugal = aws.zip_function("trials.echo", MemorySize=128)
    greedy = aws.zip_function("trials.takes_memory", MemorySize=128)

    # When
    sandboxes.invoke(frugal)
    answer = sandboxes.invoke(greedy)

    # Then: Python alone has more than a shell
    used = [
        int(line.partition("Max Memory Used: ")[2].split()[0])
        for line in sandboxes.log(frugal).splitlines()
        if line.startswith("REPORT")
    ]
    assert 10 < used[0] < 128
    assert answer.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_the_time_out_ends_all_it_started(aws: Aws, sandboxes: Host) -> None:
    # Given
    function = aws.zip_function("trials.loops", Timeout=1)

    # When
    answer = sandboxes.invoke(function, {"pids": "/tmp/pids"})  # noqa: S108

    # Then
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    eventually(lambda: not processes_of(sandboxes, function))


def test_all_of_it_dies_with_a_killed_host(
    aws: Aws, start_host: Callable[..., Host], base_image: str
) -> None:
    # Given a function that left a child in a session of its own
    host = start_host(runs=("--base-image", base_image))
    function = aws.zip_function("trials.starts_a_child")
    host.invoke(function)
    running = processes_of(host, function)

    # When
    host.stop(signal.SIGKILL)

    # Then
    assert len(running) == 4
    eventually(lambda: not processes_of(host, function))
    assert stop_survivors(host.state) == 0


def test_an_image_that_is_not_here_is_named_with_what_to_do(aws: Aws, sandboxes: Host) -> None:
    # Given
    function = aws.function("trials.echo")

    # When
    answer = sandboxes.invoke(function)

    # Then
    assert answer.status == 500
    assert f"sha256:{'0' * 64}" in answer.payload["Message"]
    assert "make images" in answer.payload["Message"]
