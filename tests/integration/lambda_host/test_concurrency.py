"""How many environments there are, when they start and when they end."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lambda_host.conftest import PROJECT, gone
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.lambda_host.conftest import Answer, Aws, Function, Host


def at_once(host: Host, function: Function, times: int, event: Any = None) -> list[Answer]:
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(lambda _: host.invoke(function, event), range(times)))


def test_concurrent_invocations_have_environments_of_their_own(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.sleeps")

    # When
    answers = at_once(host, function, 3, {"seconds": 1})

    # Then
    assert len({answer.payload for answer in answers}) == 3


def test_a_burst_is_served_by_few_environments(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")

    # When
    answers = at_once(host, function, 40)

    # Then
    assert {answer.status for answer in answers} == {200}
    assert len({answer.payload["pid"] for answer in answers}) < 20


def test_reserved_concurrency_caps_a_function(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.sleeps")
    aws.client("lambda").put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=2
    )

    # When
    answers = at_once(host, function, 3, {"seconds": 1})

    # Then
    (refused,) = [answer for answer in answers if answer.status != 200]
    assert refused.status == 429
    assert refused.payload["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_function_is_stopped_by_a_reserved_concurrency_of_zero(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.echo")
    revision = {"X-Amzn-Lambda-Revision-Id": function.configuration()["RevisionId"]}
    assert host.invoke(function, **revision).status == 200

    # When
    aws.client("lambda").put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )

    # Then
    eventually(lambda: host.invoke(function, **revision).status == 429)


def test_a_full_host_evicts_the_idle_environment_that_was_used_least_recently(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    small = start_host(environments=2)
    first, second, third = (aws.function("trials.echo") for _ in range(3))
    processes = [small.invoke(function).payload["pid"] for function in (first, second, first)]

    # When
    small.invoke(third)

    # Then
    assert small.invoke(first).payload["pid"] == processes[0]
    eventually(lambda: gone(processes[1]))
    assert small.health()["environments"] == 2


def test_a_busy_function_does_not_starve_another(aws: Aws, start_host: Callable[..., Host]) -> None:
    # Given
    small = start_host(environments=1)
    busy, other = aws.function("trials.sleeps"), aws.function("trials.echo")

    # When
    with ThreadPoolExecutor(4) as threads:
        queued = [threads.submit(small.invoke, busy, {"seconds": 0.5}) for _ in range(3)]
        eventually(lambda: small.health()["waiting"] == 2)
        answer = threads.submit(small.invoke, other).result()
        unserved = [invocation for invocation in queued if not invocation.done()]

    # Then
    assert answer.status == 200
    assert unserved
    assert {invocation.result().status for invocation in queued} == {200}


def test_imports_that_hang_do_not_stop_other_functions_from_starting(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host(starts=2, init_seconds=60, grace_seconds=0.1)
    hanging = [aws.function("slow_start.handler", Timeout=1) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        for function in hanging:
            threads.submit(host.invoke, function)
        eventually(lambda: all("INIT_START" in host.log(function) for function in hanging))

        # When
        answer = host.invoke(aws.function("trials.echo"))
        starting = host.health()["starting"]
        host.stop()

    # Then
    assert answer.status == 200
    assert starting == 2


def test_a_full_queue_and_a_long_wait_are_throttled(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    small = start_host(environments=1, queue=1, queue_seconds=0.5)
    function = aws.function("trials.sleeps")
    small.invoke(function, {"seconds": 0})

    # When
    answers = at_once(small, function, 3, {"seconds": 1})

    # Then
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 2
    assert {answer.payload["Reason"] for answer in refused} == {"ConcurrentInvocationLimitExceeded"}


def test_idle_environments_end(aws: Aws, start_host: Callable[..., Host]) -> None:
    # Given
    brief = start_host(idle_seconds=0.1)
    function = aws.function("trials.echo")

    # When
    pid = brief.invoke(function).payload["pid"]

    # Then
    eventually(lambda: gone(pid))
    eventually(lambda: not list((brief.state / "tmp").iterdir()))


def test_provisioned_concurrency_is_warm_before_use_and_kept(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    function = aws.function("trials.variables", Publish=True)
    client = aws.client("lambda")
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion="1")
    client.put_provisioned_concurrency_config(
        FunctionName=function.name, Qualifier="live", ProvisionedConcurrentExecutions=2
    )

    # When
    warm = start_host(idle_seconds=0)
    eventually(lambda: warm.health()["idle"] == 2)
    answer = warm.invoke(function, version="1")

    # Then
    assert answer.payload["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    assert answer.payload["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
    client.delete_provisioned_concurrency_config(FunctionName=function.name, Qualifier="live")
    eventually(lambda: warm.health()["environments"] == 0)


@pytest.mark.parametrize("place", ["functions", "layers/python/shared"])
def test_a_saved_file_is_live_at_the_next_request(
    aws: Aws, start_host: Callable[..., Host], workspace: Path, place: str
) -> None:
    # Given
    root = workspace / f"copy-{place.partition('/')[0]}"
    shutil.copytree(PROJECT, root)
    (root / place).mkdir(parents=True, exist_ok=True)
    saved = root / place / "answer.py"
    (root / "functions/asks.py").write_text(
        f"from {place.rpartition('/')[2]}.answer import ANSWER\ndef handler(*_): return ANSWER\n"
    )
    saved.write_text("ANSWER = 1")
    os.utime(saved, ns=(1_800_000_000_000_000_000,) * 2)
    host = start_host(runs=("--root", root))
    function = aws.function("asks.handler")
    before = host.invoke(function).payload

    # When
    saved.write_text("ANSWER = 2")
    # The same size in the same second: what byte code is told apart by.
    os.utime(saved, ns=(1_800_000_000_000_000_001,) * 2)

    # Then
    assert (before, host.invoke(function).payload) == (1, 2)


def test_a_changed_configuration_is_live_at_the_next_request(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.variables")
    first = function.configuration()["RevisionId"]
    before = host.invoke(function, **{"X-Amzn-Lambda-Revision-Id": first}).payload

    # When
    aws.client("lambda").update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"MODE": "new"}}
    )
    second = function.configuration()["RevisionId"]
    after = host.invoke(function, **{"X-Amzn-Lambda-Revision-Id": second}).payload

    # Then
    assert "MODE" not in before
    assert after["MODE"] == "new"


def test_versions_keep_their_own_configuration(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.variables", Environment={"Variables": {"MODE": "old"}})
    client = aws.client("lambda")
    client.publish_version(FunctionName=function.name)
    client.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"MODE": "new"}}
    )

    # When
    modes = [host.invoke(function, version=version).payload["MODE"] for version in ("1", "$LATEST")]

    # Then
    assert modes == ["old", "new"]
