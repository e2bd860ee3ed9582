"""Invocations go to the Lambda host, and its answers come back as Lambda's Invoke gives them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn


def test_the_host_is_told_which_version_runs(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # Given
    host.answers({"answer": 42})

    # When
    answer = ministack.client("lambda").invoke(
        FunctionName=function, Qualifier="live", Payload=b'{"question": "\xc3\xa4"}'
    )

    # Then
    assert json.load(answer["Payload"]) == {"answer": 42}
    assert "FunctionError" not in answer
    [(headers, event)] = host.invocations
    assert event == {"question": "ä"}
    assert headers["X-Amzn-Lambda-Function-Name"] == function
    assert headers["X-Amzn-Lambda-Function-Version"] == "1"
    assert headers["X-Amzn-Lambda-Function-Arn"].endswith(f":function:{function}:live")
    assert headers["X-Amzn-Lambda-Revision-Id"]
    assert headers["X-Amzn-Lambda-Request-Id"]


def test_a_function_error_comes_with_its_payload(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # Given
    error = {"errorMessage": "no", "errorType": "ValueError", "stackTrace": []}
    host.answers(error, X_Amz_Function_Error="Unhandled")

    # When
    answer = ministack.client("lambda").invoke(FunctionName=function)

    # Then
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == error


def test_a_throttled_call_is_a_429_with_its_reason(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # Given
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    host.answers({"Reason": reason, "Type": "User", "message": "Rate Exceeded."}, status=429)
    client = ministack.client("lambda")

    # When
    with pytest.raises(client.exceptions.TooManyRequestsException) as raised:
        client.invoke(FunctionName=function)

    # Then
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert raised.value.response["Reason"] == reason


def test_too_large_an_event_is_a_413(ministack: Ministack, function: str, host: StandIn) -> None:
    # Given
    host.answers({"Type": "User", "message": "too large"}, status=413)
    client = ministack.client("lambda")

    # When
    with pytest.raises(client.exceptions.RequestTooLargeException) as raised:
        client.invoke(FunctionName=function)

    # Then
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_host_that_is_away_says_what_to_do(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # Given
    def break_off() -> tuple[int, dict[str, str], bytes]:
        raise ConnectionAbortedError

    host.answer = break_off

    # When
    answer = ministack.client("lambda").invoke(FunctionName=function)

    # Then
    assert answer["FunctionError"] == "Unhandled"
    assert "make up" in json.load(answer["Payload"])["errorMessage"]


def test_a_host_that_was_started_again_is_asked_over_a_new_connection(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # Given a connection that is kept, and that the host has ended since
    client = ministack.client("lambda")
    host.hangs_up = True
    client.invoke(FunctionName=function)
    eventually(lambda: host.hung_up > 0, what="the connection's end")

    # When
    answer = client.invoke(FunctionName=function)

    # Then
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_lambda_metrics_are_left_to_the_host(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # When
    ministack.client("lambda").invoke(FunctionName=function)

    # Then
    # (how old records are is measured by whoever hands them out)
    metrics = ministack.client("cloudwatch").list_metrics(
        Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": function}]
    )["Metrics"]
    assert metrics == []
    groups = ministack.client("logs").describe_log_groups(
        logGroupNamePrefix=f"/aws/lambda/{function}"
    )["logGroups"]
    assert groups == []
