"""What an HTTP API does by itself: events, authorizers, refusals, CORS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.local_aws.conftest import ACCOUNT, REGION, Called, create_function
from tests.integration.local_aws.stand_in import FunctionError, Throttled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn


@dataclass
class HttpApi:
    """An HTTP API with GET /calls and GET /calls/{call_id} behind a Lambda authorizer."""

    id: str
    client: Any
    http: httpx.Client
    authorizer: Called
    function: Called

    def get(self, path: str = "/calls", token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": token or f"Bearer {uuid4().hex}"}
        return self.http.get(path, headers=headers, **more)


@pytest.fixture
def http_api(ministack: Ministack, host: StandIn) -> Iterator[HttpApi]:
    authorizer = Called(
        create_function(ministack),
        lambda _: {"isAuthorized": True, "context": {"tenant": "demo", "scopes": "calls:read"}},
    )
    function = Called(create_function(ministack), lambda _: {"statusCode": 200, "body": "{}"})
    host.functions.update({authorizer.name: authorizer, function.name: function})
    client = ministack.client("apigatewayv2")
    api = client.create_api(
        Name="trial",
        ProtocolType="HTTP",
        CorsConfiguration={
            "AllowOrigins": ["https://app.example"],
            "AllowMethods": ["GET"],
            "AllowHeaders": ["authorization"],
            "MaxAge": 300,
        },
    )["ApiId"]
    integration = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}:live",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    by = client.create_authorizer(
        ApiId=api,
        AuthorizerType="REQUEST",
        Name="tokens",
        AuthorizerUri=authorizer.uri,
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        IdentitySource=["$request.header.Authorization"],
        AuthorizerResultTtlInSeconds=60,
    )["AuthorizerId"]
    for key in ("GET /calls", "GET /calls/{call_id}"):
        client.create_route(
            ApiId=api,
            RouteKey=key,
            Target=f"integrations/{integration}",
            AuthorizationType="CUSTOM",
            AuthorizerId=by,
        )
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    base = f"{ministack.endpoint}/_aws/execute-api/{api}/$default"
    with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
        yield HttpApi(api, client, http, authorizer, function)


def test_the_function_is_told_what_was_asked_in_format_2(http_api: HttpApi) -> None:
    # When
    answer = http_api.http.get(
        "/calls/a%20b?from=2026-11-01&tag=x&tag=y%2Bz",
        headers={"Authorization": "Bearer t", "X-Two": "1", "Cookie": "a=1; b=2"},
    )

    # Then
    assert answer.status_code == 200
    [event] = http_api.function.events
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /calls/{call_id}"
    assert event["rawPath"] == "/calls/a b"
    assert event["rawQueryString"] == "from=2026-11-01&tag=x&tag=y%2Bz"
    assert event["queryStringParameters"] == {"from": "2026-11-01", "tag": "x,y+z"}
    assert event["pathParameters"] == {"call_id": "a b"}
    assert event["headers"]["x-two"] == "1"
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["isBase64Encoded"] is False
    assert "body" not in event
    context = event["requestContext"]
    assert context["routeKey"] == "GET /calls/{call_id}"
    assert context["stage"] == "$default"
    assert context["apiId"] == http_api.id
    assert context["accountId"] == ACCOUNT
    assert context["http"]["method"] == "GET"
    assert context["http"]["path"] == "/calls/a b"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert context["requestId"]
    assert context["timeEpoch"]
    assert context["authorizer"] == {"lambda": {"tenant": "demo", "scopes": "calls:read"}}


def test_the_path_begins_with_the_name_of_the_stage(http_api: HttpApi) -> None:
    # Given
    http_api.client.create_stage(ApiId=http_api.id, StageName="v1", AutoDeploy=True)
    base = str(http_api.http.base_url).replace("$default", "v1")

    # When
    answer = http_api.http.get(f"{base}calls/1", headers={"Authorization": "Bearer t"})

    # Then
    assert answer.status_code == 200
    [event] = http_api.function.events
    assert event["rawPath"] == "/v1/calls/1"
    [asked] = http_api.authorizer.events
    assert asked["rawPath"] == asked["requestContext"]["http"]["path"] == "/v1/calls/1"
    assert event["requestContext"]["http"]["path"] == "/v1/calls/1"
    assert event["requestContext"]["stage"] == "v1"
    assert event["pathParameters"] == {"call_id": "1"}


def test_the_authorizer_is_told_who_asks_in_format_2(http_api: HttpApi) -> None:
    # When
    http_api.get("/calls/1?a=b", token="Bearer t")

    # Then
    [event] = http_api.authorizer.events
    assert event["version"] == "2.0"
    assert event["type"] == "REQUEST"
    assert event["routeKey"] == "GET /calls/{call_id}"
    assert event["identitySource"] == ["Bearer t"]
    assert event["rawPath"] == "/calls/1"
    assert event["rawQueryString"] == "a=b"
    assert event["headers"]["authorization"] == "Bearer t"
    assert event["pathParameters"] == {"call_id": "1"}
    assert event["requestContext"]["http"]["method"] == "GET"
    routed = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{http_api.id}/$default/GET/calls/1"
    assert event["routeArn"] == routed


def test_without_the_identity_source_nobody_is_asked(http_api: HttpApi) -> None:
    # When
    answer = http_api.http.get("/calls")

    # Then
    assert answer.status_code == 401
    assert answer.json() == {"message": "Unauthorized"}
    assert http_api.authorizer.events == []


def test_a_denied_request_is_forbidden(http_api: HttpApi) -> None:
    # Given
    http_api.authorizer.does = lambda _: {"isAuthorized": False}

    # When
    answer = http_api.get()

    # Then
    assert answer.status_code == 403
    assert answer.json() == {"message": "Forbidden"}
    assert http_api.function.events == []


def raises(problem: type[Exception]) -> Callable[[Any], Any]:
    def does(_: Any) -> Any:
        raise problem

    return does


@pytest.mark.parametrize(
    "does",
    [
        raises(FunctionError),
        raises(Throttled),
        lambda _: None,
        lambda _: "yes",
        lambda _: {},
        lambda _: {"isAuthorized": "true"},
    ],
)
def test_an_authorizer_that_fails_is_an_internal_error(
    http_api: HttpApi, does: Callable[[Any], Any]
) -> None:
    # Given
    http_api.authorizer.does = does

    # When
    answer = http_api.get()

    # Then
    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal Server Error"}
    assert http_api.function.events == []


def test_an_authorizers_answer_is_kept_for_its_identity_source(http_api: HttpApi) -> None:
    # When
    for path in ("/calls", "/calls", "/calls/1"):
        assert http_api.get(path, token="Bearer one").status_code == 200
    assert http_api.get(token="Bearer two").status_code == 200

    # Then
    sources = [event["identitySource"] for event in http_api.authorizer.events]
    assert sources == [["Bearer one"], ["Bearer two"]]
    assert len(http_api.function.events) == 4


def test_an_authorizers_denial_is_kept_too(http_api: HttpApi) -> None:
    # Given
    http_api.authorizer.does = lambda _: {"isAuthorized": False}

    # When
    for _ in range(2):
        assert http_api.get(token="Bearer one").status_code == 403

    # Then
    assert len(http_api.authorizer.events) == 1


def test_without_a_time_to_live_the_authorizer_is_asked_each_time(http_api: HttpApi) -> None:
    # Given
    [authorizer] = http_api.client.get_authorizers(ApiId=http_api.id)["Items"]
    http_api.client.update_authorizer(
        ApiId=http_api.id,
        AuthorizerId=authorizer["AuthorizerId"],
        AuthorizerResultTtlInSeconds=0,
    )

    # When
    for _ in range(2):
        http_api.get(token="Bearer one")

    # Then
    assert len(http_api.authorizer.events) == 2


def test_an_unknown_route_is_not_found(http_api: HttpApi) -> None:
    # Then
    for method, path in (("GET", "/elsewhere"), ("POST", "/calls")):
        answer = http_api.http.request(method, path, headers={"Authorization": "Bearer t"})
        assert answer.status_code == 404
        assert answer.json() == {"message": "Not Found"}


@pytest.mark.parametrize(
    "does",
    [
        raises(FunctionError),
        lambda _: {"statusCode": "many"},
        lambda _: {"statusCode": 200, "body": {}},
    ],
)
def test_a_function_that_fails_is_an_internal_error_that_tells_nothing(
    http_api: HttpApi, does: Callable[[Any], Any]
) -> None:
    # Given
    http_api.function.does = does

    # When
    answer = http_api.get()

    # Then
    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal Server Error"}


def test_a_throttled_function_is_a_service_that_is_not_available(http_api: HttpApi) -> None:
    # Given
    http_api.function.does = raises(Throttled)

    # When
    answer = http_api.get()

    # Then
    assert answer.status_code == 503
    assert answer.json() == {"message": "Service Unavailable"}


def test_the_functions_answer_is_the_clients(http_api: HttpApi) -> None:
    # Given
    http_api.function.does = lambda _: {
        "statusCode": 418,
        "headers": {"Content-Type": "application/problem+json", "X-One": "1"},
        "cookies": ["a=1", "b=2"],
        "body": '{"kind": "teapot"}',
    }

    # When
    answer = http_api.get()

    # Then
    assert answer.status_code == 418
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-one"] == "1"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.json() == {"kind": "teapot"}


def test_an_answer_without_a_status_is_the_body(http_api: HttpApi) -> None:
    # Given
    http_api.function.does = lambda _: {"calls": []}

    # When
    answer = http_api.get()

    # Then
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"calls": []}


def test_a_preflight_is_answered_without_the_authorizer(http_api: HttpApi) -> None:
    # When
    answer = http_api.http.options(
        "/calls",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )

    # Then
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-methods"] == "GET"
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert answer.headers["access-control-max-age"] == "300"
    assert http_api.authorizer.events == []


def test_an_answer_to_an_allowed_origin_says_so(http_api: HttpApi) -> None:
    # When
    allowed = http_api.http.get(
        "/calls", headers={"Authorization": "Bearer t", "Origin": "https://app.example"}
    )
    foreign = http_api.http.get(
        "/calls", headers={"Authorization": "Bearer t", "Origin": "https://evil.example"}
    )

    # Then
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in foreign.headers


def test_more_requests_than_the_burst_are_refused(http_api: HttpApi) -> None:
    # Given
    http_api.client.update_stage(
        ApiId=http_api.id,
        StageName="$default",
        DefaultRouteSettings={"ThrottlingBurstLimit": 2, "ThrottlingRateLimit": 0.5},
    )

    # When
    answers = [http_api.get() for _ in range(6)]

    # Then
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 3 <= len(refused) <= 4
    assert refused[0].json() == {"message": "Too Many Requests"}
