"""What every REST handler does around its function: problems, headers, logs and metrics."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from itemstream.api.problems import Problem, invalid
from itemstream.api.requests import Request  # noqa: TC001
from itemstream.api.rest import Call, Response, public_rest_handler, rest_handler
from itemstream.dependencies import DependencyUnavailable
from itemstream.idempotency import KeyInFlight, KeyReused
from itemstream.idempotency.http import idempotency_problem
from itemstream.items import ItemExists, ItemNotFound, VersionMismatch
from itemstream.items.problems import item_problem
from itemstream.observability import invocation
from tests.fakes.gateway import REQUEST_ID, LambdaContext, assert_problem, event

if TYPE_CHECKING:
    from collections.abc import Callable


def answer_of(error: Exception | None = None, **kwargs: Any) -> dict[str, Any]:
    """Ask a handler that raises an error, or answers an empty object."""

    @rest_handler(scope="items:read", problems=[item_problem, idempotency_problem])
    def handler(_call: Call) -> Response:
        if error:
            raise error
        return Response(200, {})

    return handler(event(**kwargs), LambdaContext())


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (invalid({"field": "name", "reason": "is odd"}), 400, "invalid-request"),
        (ItemNotFound("x"), 404, "item-not-found"),
        (VersionMismatch(3), 412, "version-mismatch"),
        (KeyReused("x"), 422, "idempotency-key-reused"),
        (KeyInFlight("x"), 409, "idempotency-key-in-flight"),
        (DependencyUnavailable("DynamoDB", retry_after=7), 503, None),
        (ItemExists("x"), 500, None),
        (ZeroDivisionError("a secret"), 500, None),
        (RecursionError(), 500, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_errors_become_problem_documents(error: Exception, status: int, kind: str | None) -> None:
    answer = answer_of(error)
    fields = ["name"] if status == 400 else []
    problem = assert_problem(answer, status, *fields)
    assert problem["type"] == (f"urn:itemstream:problem:{kind}" if kind else "about:blank")


def test_problems_that_pass_say_when_to_come_back() -> None:
    assert answer_of(KeyInFlight("x"))["headers"]["Retry-After"] == "1"
    unavailable = answer_of(DependencyUnavailable("DynamoDB", retry_after=7))
    assert unavailable["headers"]["Retry-After"] == "7"


def test_an_unexpected_error_is_logged_and_not_shown(
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # When
    answer = answer_of(ZeroDivisionError("the divisor"))
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "for the divisor"}}
    answer_of(ClientError(denied, "PutItem"))

    # Then
    assert "divisor" not in answer["body"]
    assert "Traceback" not in answer["body"]
    lines = log()
    first, second = (line for line in lines if line.get("level") == "ERROR")
    assert first["error"] == "ZeroDivisionError"
    assert "test_rest.py" in first["stack"][-1]
    assert second["aws_operation"] == "PutItem"
    assert second["aws_code"] == "AccessDeniedException"
    assert "divisor" not in str(lines)


def test_a_token_must_allow_the_call() -> None:
    assert_problem(answer_of(scopes="items:write"), 403)
    assert_problem(answer_of(scopes=""), 403)
    assert_problem(answer_of(tenant=None), 401)
    assert answer_of(scopes="reports:read items:read")["statusCode"] == 200


def test_every_answer_has_the_same_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setenv("CORS_ORIGIN", "https://app.example")

    # Then
    for error in (None, ItemNotFound("x"), ZeroDivisionError()):
        headers = answer_of(error, headers={"X-Correlation-Id": "trip-1"})["headers"]
        assert headers["X-Correlation-Id"] == "trip-1"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "private, no-cache"
        assert headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "ETag" in headers["Access-Control-Expose-Headers"]


def test_without_an_origin_there_is_no_cors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORS_ORIGIN", raising=False)
    assert not any(name.startswith("Access-Control") for name in answer_of()["headers"])


def test_answers_are_compact_and_keep_their_letters() -> None:
    @public_rest_handler()
    def handler(_request: Request) -> Response:
        return Response(200, {"name": "栎木桌", "tags": []})

    answer = handler(event(tenant=None), LambdaContext())
    assert answer["body"] == '{"name":"栎木桌","tags":[]}'


def test_lines_of_log_say_whose_request_it_was(log: Callable[[], list[dict[str, Any]]]) -> None:
    # When
    answer_of(headers={"X-Correlation-Id": "trip-1"}, tenant="acme")
    first = [line for line in log() if line.get("message") == "answered"]
    answer_of(tenant="other")
    second = [line for line in log() if line.get("message") == "answered"]

    # Then
    context = LambdaContext()
    expected = {
        "tenant": "acme",
        "correlation_id": "trip-1",
        "request_id": context.aws_request_id,
        "function": context.function_name,
        "service": "itemstream",
        "route": "GET /items",
        "status": 200,
        "level": "INFO",
    }
    (line,) = first
    assert {name: line[name] for name in expected} == expected
    assert isinstance(line["cold_start"], bool)

    # Then nothing is left of it at the next
    assert (second[0]["tenant"], second[0]["correlation_id"]) == ("other", REQUEST_ID)


def test_nothing_of_one_request_is_said_of_the_next(
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    answer_of(tenant="acme", headers={"X-Correlation-Id": "trip-1"})
    log()
    answer_of(tenant=None)
    assert not any("acme" in json.dumps(line) or "trip-1" in json.dumps(line) for line in log())


def test_only_the_first_invocation_is_cold(
    log: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(invocation, "_cold_start", True)

    # When
    answer_of()
    answer_of()

    # Then
    lines = log()
    assert [line["cold_start"] for line in lines if "message" in line] == [True, False]
    assert ["ColdStarts" in line for line in lines if "_aws" in line] == [True, False]


def test_bodies_and_tokens_are_not_logged(log: Callable[[], list[dict[str, Any]]]) -> None:
    for error in (None, ItemNotFound("x"), invalid({"field": "name", "reason": "is odd"})):
        answer_of(
            error,
            route="POST /items",
            body={"name": "the-body"},
            headers={"Authorization": "Bearer the-token"},
        )
    written = json.dumps(log())
    assert "answered" in written
    assert "the-body" not in written
    assert "the-token" not in written


def test_metrics_are_counted_for_the_function(log: Callable[[], list[dict[str, Any]]]) -> None:
    # When
    answer_of(VersionMismatch(1))
    answer_of(ZeroDivisionError())
    documents = [line for line in log() if "_aws" in line]

    # Then each invocation writes one document of the embedded metric format
    assert len(documents) == 2
    for document in documents:
        directive = document["_aws"]["CloudWatchMetrics"][0]
        assert directive["Namespace"] == "Itemstream"
        assert {name for one in directive["Dimensions"] for name in one} == {"function", "service"}
        assert document["function"] == LambdaContext().function_name
        assert {"Requests", "Latency"} <= {one["Name"] for one in directive["Metrics"]}
        assert document["Latency"][0] >= 0
    assert documents[0]["PreconditionsFailed"] == [1.0]
    assert "PreconditionsFailed" not in documents[1]
    assert documents[1]["ServerErrors"] == [1.0]


def test_errors_of_ours_are_counted_for_the_version_too(
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # When
    answer_of(VersionMismatch(1))
    answer_of(ZeroDivisionError())
    fine, failed = (line for line in log() if "_aws" in line)

    # Then
    assert len(fine["_aws"]["CloudWatchMetrics"]) == 1
    _, by_version = failed["_aws"]["CloudWatchMetrics"]
    assert by_version["Namespace"] == "Itemstream"
    assert [set(one) for one in by_version["Dimensions"]] == [{"function", "service", "version"}]
    assert [one["Name"] for one in by_version["Metrics"]] == ["ServerErrors"]
    assert failed["version"] == LambdaContext().function_version


def test_an_error_of_one_domain_is_none_of_another() -> None:
    assert item_problem(KeyReused("x")) is None
    assert idempotency_problem(ItemNotFound("x")) is None


def test_a_problem_without_errors_has_no_list_of_them() -> None:
    document = Problem(HTTPStatus.NOT_FOUND, "Not here.").document("urn:uuid:1")
    assert document == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not here.",
        "instance": "urn:uuid:1",
    }
