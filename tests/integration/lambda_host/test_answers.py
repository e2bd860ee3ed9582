"""What comes back for each way an invocation may go."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lambda_host.conftest import gone
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.lambda_host.conftest import Aws, Host


def test_a_function_answers_and_is_reused(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")

    # When
    first = host.invoke(function, {"name": "é"})
    second = host.invoke(function, [1])

    # Then
    assert first.payload["event"] == {"name": "é"}
    assert second.payload == {"event": [1], "calls": 2, "pid": first.payload["pid"]}
    assert (first.status, first.function_error) == (200, None)


def test_the_invoke_api_reaches_the_host(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")

    # When
    answer = aws.client("lambda").invoke(FunctionName=function.name, Payload=b'{"a": 1}')

    # Then
    assert json.load(answer["Payload"])["event"] == {"a": 1}
    assert "FunctionError" not in answer


def test_an_exception_is_a_function_error_with_its_trace(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.raises")

    # When
    answer = host.invoke(function)

    # Then
    assert (answer.status, answer.function_error) == (200, "Unhandled")
    assert answer.payload["errorType"] == "ValueError"
    assert answer.payload["errorMessage"] == "no such luck"
    assert answer.payload["requestId"] == answer.request_id
    assert "raise ValueError" in answer.payload["stackTrace"][-1]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (3, "Runtime exited with error: exit status 3"),
        (0, "Runtime exited without providing a reason"),
    ],
)
def test_an_exit_is_named_with_its_status(aws: Aws, host: Host, status: int, reason: str) -> None:
    # Given
    function = aws.function("trials.exits")

    # When
    answer = host.invoke(function, {"status": status})

    # Then
    assert answer.function_error == "Unhandled"
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: {reason}",
    }


@pytest.mark.parametrize(
    ("handler", "signal"), [("segfaults", "segmentation fault"), ("terminated", "terminated")]
)
def test_a_signal_is_named(aws: Aws, host: Host, handler: str, signal: str) -> None:
    # Given
    function = aws.function(f"trials.{handler}")

    # When
    answer = host.invoke(function)

    # Then
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": (
            f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: {signal}"
        ),
    }


def test_a_function_over_its_memory_is_killed(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.takes_memory", MemorySize=128)

    # When
    answer = host.invoke(function)

    # Then
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
    report = next(line for line in host.log(function).splitlines() if line.startswith("REPORT"))
    assert int(re.search(r"Max Memory Used: (\d+) MB", report)[1]) >= 128
    assert "Status: error\tError Type: Runtime.ExitError" in report


@pytest.mark.parametrize("megabytes", [150, 600])
def test_a_function_that_was_over_its_memory_serves_the_next_invocation_anew(
    aws: Aws, host: Host, megabytes: int
) -> None:
    # Given
    function = aws.function("trials.holds", MemorySize=128)
    host.invoke(function, {"megabytes": megabytes})

    # When
    next_one = host.invoke(function, {"megabytes": 1})

    # Then
    assert next_one.payload == 1024 * 1024


def test_an_endless_loop_ends_at_the_time_out_with_all_it_started(
    aws: Aws, host: Host, workspace: Path
) -> None:
    # Given
    function = aws.function("trials.loops", Timeout=1)
    pids = workspace / "pids"

    # When
    answer = host.invoke(function, {"pids": str(pids)})

    # Then
    assert answer.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": (
            f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds"
        ),
    }
    eventually(lambda: all(gone(int(pid)) for pid in pids.read_text().split()))
    assert f"{answer.request_id} Task timed out after 1.00 seconds" in host.log(function)


def test_an_import_that_fails_is_reported_as_by_the_runtime(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("broken_import.handler")

    # When
    answer = host.invoke(function)

    # Then
    assert answer.function_error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'a_module_that_nobody_has'" in answer.payload["errorMessage"]


def test_an_init_phase_that_takes_too_long_is_run_again_within_the_invocation(
    aws: Aws, start_host: Callable[..., Host], workspace: Path
) -> None:
    # Given
    host = start_host(init_seconds=0.5)
    tried = {"Variables": {"TRIED": str(workspace / "tried")}}
    function = aws.function("slow_start.handler", Environment=tried)

    # When
    answer = host.invoke(function)

    # Then
    assert answer.payload == "started at last"
    assert re.search(
        r"INIT_REPORT Init Duration: 5\d\d\.\d\d ms\tPhase: init\tStatus: timeout",
        host.log(function),
    )


def test_a_second_init_phase_is_bounded_by_the_time_out(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host(init_seconds=0.5)
    function = aws.function("slow_start.handler", Timeout=1)

    # When
    answer = host.invoke(function)

    # Then
    assert answer.payload["errorType"] == "Sandbox.Timedout"


def test_a_handler_that_is_missing_is_named(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.nowhere")

    # When
    answer = host.invoke(function)

    # Then
    assert answer.payload["errorType"] == "Runtime.HandlerNotFound"
    assert answer.payload["errorMessage"] == (
        "Handler 'nowhere' missing on module 'functions.trials'"
    )


@pytest.mark.parametrize("characters", [6 * 1024 * 1024 + 99, 10 * 1024 * 1024])
def test_an_answer_over_6_mb_is_refused(aws: Aws, host: Host, characters: int) -> None:
    # Given
    function = aws.function("trials.answers_much")

    # When
    answer = host.invoke(function, {"characters": characters})

    # Then
    assert answer.payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": (
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        ),
    }


def test_an_answer_of_6_mb_passes(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.answers_much")

    # When
    answer = host.invoke(function, {"characters": 6 * 1024 * 1024})

    # Then
    assert len(answer.payload) == 6 * 1024 * 1024


def test_an_event_over_6_mb_is_refused_before_a_function_runs(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")

    # When
    largest = host.invoke(function, b'"%s"' % (b"x" * (6 * 1024 * 1024 - 2)))
    larger = host.invoke(function, b'"%s"' % (b"x" * (6 * 1024 * 1024 - 1)))

    # Then
    assert (largest.status, larger.status) == (200, 413)
    assert larger.payload["message"] == (
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    )


def test_a_function_that_is_not_there_is_not_found(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")
    aws.client("lambda").delete_function(FunctionName=function.name)

    # When
    answer = host.invoke(function)

    # Then
    assert answer.status == 404
    assert answer.payload["Message"] == f"Function not found: {function.name}:$LATEST"


@pytest.mark.parametrize(
    ("handler", "event"),
    [
        ("trials.raises", None),
        ("trials.exits", {"status": 3}),
        ("trials.segfaults", None),
        ("trials.answers_much", {"characters": 10 * 1024 * 1024}),
        ("broken_import.handler", None),
    ],
)
def test_a_failure_leaves_the_next_invocation_and_other_functions_untouched(
    aws: Aws, host: Host, handler: str, event: Any
) -> None:
    # Given
    failing, other = aws.function(handler), aws.function("trials.echo")
    before = host.invoke(other).payload

    # When
    failures = [host.invoke(failing, event) for _ in range(2)]

    # Then
    assert [failure.function_error for failure in failures] == ["Unhandled"] * 2
    assert host.invoke(other).payload == {**before, "calls": 2}
