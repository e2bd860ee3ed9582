"""What a function finds around it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lambda_host.conftest import gone
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.lambda_host.conftest import Aws, Host

# Set by /bin/sh, and by Python where the machine lacks Lambda's locale.
OF_SHELL_AND_PYTHON = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def test_a_function_has_the_variables_of_lambda_and_its_own_and_no_others(
    aws: Aws, host: Host
) -> None:
    # Given
    function = aws.function(
        "trials.variables", MemorySize=512, Environment={"Variables": {"ITEMS_TABLE": "items"}}
    )

    # When
    found = host.invoke(function).payload

    # Then
    expected = {
        "ITEMS_TABLE": "items",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "TZ": ":UTC",
        "_HANDLER": "functions.trials.variables",
    }
    assert expected.items() <= found.items()
    assert found.keys() - expected.keys() - OF_SHELL_AND_PYTHON == {
        "AWS_ACCESS_KEY_ID",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ITEMSTREAM_LAMBDA_HOST",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "PATH",
        "PYTHONPATH",
        "PYTHONPYCACHEPREFIX",
        "TMPDIR",
        "_X_AMZN_TRACE_ID",
    }


def test_the_context_tells_of_the_invocation(aws: Aws, host: Host) -> None:
    # Given
    function = aws.function("trials.context", Timeout=7)
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    arn = f"{function.arn}:live"

    # When
    answer = host.invoke(function, **{"X-Amzn-Trace-Id": trace, "X-Amzn-Lambda-Function-Arn": arn})

    # Then
    assert 6000 < answer.payload.pop("remaining") <= 7000
    assert answer.payload == {
        "request_id": answer.request_id,
        "arn": arn,
        "memory": "256",
        "trace": trace,
    }


def test_a_function_holds_the_rights_of_its_role_and_no_more(aws: Aws, host: Host) -> None:
    # Given
    table = "rights"
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    may = aws.function("trials.reads_a_table", Role=aws.role(allow("dynamodb:Scan")))
    may_not = aws.function("trials.reads_a_table", Role=aws.role(allow("dynamodb:GetItem")))

    # When
    answers = [host.invoke(function, {"table": table}) for function in (may, may_not)]

    # Then
    assert answers[0].payload == 0
    assert "AccessDenied" in answers[1].payload["errorMessage"]


def test_a_role_that_is_not_there_is_an_error_of_the_service(aws: Aws, host: Host) -> None:
    # Given
    role = aws.role()
    function = aws.function("trials.echo", Role=role)
    aws.client("iam").delete_role(RoleName=role.rpartition("/")[2])

    # When
    answer = host.invoke(function)

    # Then
    assert answer.status == 500
    assert function.name in answer.payload["Message"]


def test_credentials_are_renewed_before_they_end(aws: Aws, start_host: Callable[..., Host]) -> None:
    # Given
    host = start_host(credential_seconds=3600, credential_margin_seconds=3599)
    function = aws.function("trials.variables")

    def key() -> str:
        return str(host.invoke(function).payload["AWS_ACCESS_KEY_ID"])

    # When
    first = key()

    # Then
    eventually(lambda: key() != first)


def test_each_environment_has_a_tmp_of_its_own_that_is_gone_at_its_end(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    functions = [aws.function("trials.temporary_files") for _ in range(2)]

    # When
    first, second = (host.invoke(function).payload for function in functions)
    again = host.invoke(functions[0]).payload

    # Then
    assert first["found"] == second["found"] == []
    assert again["found"] == ["mine"]
    host.stop()
    assert not (host.state / "tmp").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's")
def test_slash_tmp_is_the_environments_own(aws: Aws, host: Host, can_mount: bool) -> None:
    # Given
    if not can_mount:
        pytest.skip("no mount namespaces here, or the checkout lies below /tmp")
    function = aws.function("trials.temporary_files")

    # When
    found = host.invoke(function).payload

    # Then
    assert found == {"found": [], "slash_tmp": ["mine"], "folder": "/tmp"}  # noqa: S108


def test_what_a_function_leaves_running_ends_with_its_host(
    aws: Aws, start_host: Callable[..., Host]
) -> None:
    # Given
    host = start_host()
    left = host.invoke(aws.function("trials.starts_a_child")).payload

    # When
    host.stop()

    # Then
    eventually(lambda: gone(left["pid"]) and gone(left["child"]))
