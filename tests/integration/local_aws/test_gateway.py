"""What a REST API answers by itself: to failing functions, large bodies and wrong ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import RestApi
    from tests.integration.local_aws.stand_in import StandIn

MEGABYTE = 1024 * 1024

# How the gateway's validator puts it.
MISSING = 'object has missing required properties (["name"])'
NOT_ALLOWED = 'object instance has properties which are not allowed by the schema: ["foo"]'
NO_OBJECT = 'instance type ({}) does not match any allowed primitive type (allowed: ["object"])'
TOO_MANY = "object has too many properties (found 3 but schema requires at most 2)"


def test_a_function_error_is_a_502_that_tells_nothing(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers(
        {"errorMessage": "password=hunter2", "errorType": "KeyError"},
        X_Amz_Function_Error="Unhandled",
    )

    # When
    answer = rest_api.http.post("/things", json={"name": "a"})

    # Then
    assert answer.status_code == 502
    assert answer.json()["kind"] == "DEFAULT_5XX"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        "text",
        ["a list"],
        {"body": "no status"},
        {"statusCode": "many"},
        {"statusCode": 200, "body": {"not": "a string"}},
        {"statusCode": 200, "headers": ["not", "a", "map"]},
    ],
)
def test_a_malformed_proxy_answer_is_a_502(
    rest_api: RestApi, host: StandIn, malformed: Any
) -> None:
    # Given
    host.answers(malformed)

    # When
    answer = rest_api.http.post("/things", json={"name": "a"})

    # Then
    assert answer.status_code == 502
    assert answer.json()["kind"] == "DEFAULT_5XX"


def test_a_throttled_function_is_a_500(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers({"Reason": "ConcurrentInvocationLimitExceeded"}, status=429)

    # When
    answer = rest_api.http.post("/things", json={"name": "a"})

    # Then
    assert answer.status_code == 500
    assert answer.json()["kind"] == "DEFAULT_5XX"


def test_the_status_that_the_api_chose_is_answered(rest_api: RestApi, host: StandIn) -> None:
    # Given
    rest_api.client.put_gateway_response(
        restApiId=rest_api.id, responseType="DEFAULT_5XX", statusCode="503"
    )
    rest_api.client.create_deployment(restApiId=rest_api.id, stageName="v1")
    host.answers({"Reason": "ConcurrentInvocationLimitExceeded"}, status=429)

    # When
    answer = rest_api.http.post("/things", json={"name": "a"})

    # Then
    assert answer.status_code == 503


@pytest.mark.parametrize("status", [201, "201"])
def test_a_well_formed_answer_passes(rest_api: RestApi, host: StandIn, status: Any) -> None:
    # Given
    host.answers({"statusCode": status, "headers": {"ETag": '"1"'}, "body": "{}"})

    # When
    answer = rest_api.http.post("/things", json={"name": "a"})

    # Then
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.json() == {}


def test_a_body_over_10_megabytes_is_refused_unseen(rest_api: RestApi, host: StandIn) -> None:
    # When
    answer = rest_api.http.post("/things", content=b"x" * (10 * MEGABYTE + 1))

    # Then
    assert answer.status_code == 413
    assert answer.json()["kind"] == "REQUEST_TOO_LARGE"
    assert host.invocations == []


def test_an_event_too_large_for_lambda_is_refused(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers({"Type": "User"}, status=413)

    # When
    answer = rest_api.http.post("/things", json={"name": "x" * 7 * MEGABYTE})

    # Then
    assert answer.status_code == 413
    assert answer.json()["kind"] == "REQUEST_TOO_LARGE"


@pytest.mark.parametrize(
    ("body", "explanation"),
    [
        ("{}", "[" + MISSING + "]"),
        ('{"name": 1, "foo": 2}', "[" + NOT_ALLOWED + "]"),
        ('{"foo": 2}', "[" + MISSING + ", " + NOT_ALLOWED + "]"),
        ("[]", "[" + NO_OBJECT.format("array") + "]"),
        ('{"name": 1, "price": 5}', "[" + NO_OBJECT.format("integer") + "]"),
        ('{"name": 1, "price": {}, "tags": []}', "[" + TOO_MANY + "]"),
        ('{"name": ', "Invalid JSON"),
        ("", "Invalid JSON"),
        (b'{"name": "\xed\xa0\x80"}', "Invalid JSON"),
        (b'{"name": "\xff"}', "Invalid JSON"),
        ('{"name": 1}'.encode("utf-16"), "Invalid JSON"),
        ('{"name": 1}'.encode("utf-16-le"), "Invalid JSON"),
    ],
)
def test_a_wrong_body_is_explained(
    rest_api: RestApi, host: StandIn, body: str | bytes, explanation: str
) -> None:
    # When
    answer = rest_api.http.post(
        "/things", content=body, headers={"Content-Type": "application/json"}
    )

    # Then
    assert answer.status_code == 400
    assert answer.json() == {"kind": "BAD_REQUEST_BODY", "detail": explanation}
    assert host.invocations == []


def test_any_character_reaches_the_function(rest_api: RestApi, host: StandIn) -> None:
    # Given
    body = '{"name": "é€𝄞 \\ud800"}'
    host.answers({"statusCode": 200})

    # When
    answer = rest_api.http.post(
        "/things", content=body, headers={"Content-Type": "application/json"}
    )

    # Then
    assert answer.status_code == 200
    assert host.last_event["body"] == body


def test_a_model_that_is_added_later_counts_and_is_read_back(
    rest_api: RestApi, host: StandIn
) -> None:
    # Given a method that had no model
    host.answers({"statusCode": 200, "body": "{}"})
    (things,) = [
        resource
        for resource in rest_api.client.get_resources(restApiId=rest_api.id)["items"]
        if resource["path"] == "/things"
    ]
    method = {"restApiId": rest_api.id, "resourceId": things["id"], "httpMethod": "POST"}
    path = "/requestModels/application~1json"
    rest_api.client.update_method(**method, patchOperations=[{"op": "remove", "path": path}])
    assert rest_api.http.post("/things", json={"price": "none"}).status_code == 200

    # When
    rest_api.client.update_method(
        **method, patchOperations=[{"op": "add", "path": path, "value": "Thing"}]
    )

    # Then
    read = rest_api.client.get_method(**method)
    assert read["requestModels"] == {"application/json": "Thing"}
    assert rest_api.http.post("/things", json={"price": "none"}).status_code == 400
