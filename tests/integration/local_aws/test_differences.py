"""What the local AWS does not do as AWS does, listed in docs/local.md.

Each test states what MiniStack does. One that fails is good news: take the entry off the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack, RestApi, StandIn


def test_header_names_arrive_in_lower_case(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers({"statusCode": 200})

    # When
    rest_api.http.post("/things", json={"name": "a"}, headers={"If-Match": '"1"'})

    # Then: AWS keeps the case of the client
    assert host.last_event["headers"]["if-match"] == '"1"'


def test_repeated_headers_are_joined(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers({"statusCode": 200})

    # When
    rest_api.http.post("/things", json={"name": "a"}, headers=[("X-Many", "1"), ("X-Many", "2")])

    # Then: AWS gives the last one, and both in multiValueHeaders
    assert host.last_event["headers"]["x-many"] == "1, 2"
    assert host.last_event["multiValueHeaders"]["x-many"] == ["1, 2"]


def test_a_functions_permission_to_be_called_is_not_checked(
    rest_api: RestApi, host: StandIn
) -> None:
    # Given: nobody was permitted to call the function
    host.answers({"statusCode": 200})

    # Then: AWS answers 500
    assert rest_api.http.post("/things", json={"name": "a"}).status_code == 200


def test_a_method_is_live_before_it_is_deployed(rest_api: RestApi, host: StandIn) -> None:
    # Given
    [things] = [
        resource
        for resource in rest_api.client.get_resources(restApiId=rest_api.id)["items"]
        if resource["path"] == "/things"
    ]
    method = {"restApiId": rest_api.id, "resourceId": things["id"], "httpMethod": "GET"}

    # When
    rest_api.client.put_method(**method, authorizationType="NONE")
    rest_api.client.put_integration(
        **method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )

    # Then: AWS answers 403 until the next deployment
    assert rest_api.http.get("/things").status_code == 200


def test_a_body_of_another_content_type_is_validated_as_json(
    rest_api: RestApi, host: StandIn
) -> None:
    # When
    answer = rest_api.http.post("/things", content="{}", headers={"Content-Type": "text/plain"})

    # Then: AWS has no model for text/plain and passes the body on
    assert answer.status_code == 400
    assert answer.json()["kind"] == "BAD_REQUEST_BODY"


def test_there_is_no_response_cache(rest_api: RestApi) -> None:
    # When
    rest_api.client.update_stage(
        restApiId=rest_api.id,
        stageName="v1",
        patchOperations=[
            {"op": "replace", "path": "/cacheClusterEnabled", "value": "true"},
            {"op": "replace", "path": "/cacheClusterSize", "value": "0.5"},
        ],
    )

    # Then: AWS reports CREATE_IN_PROGRESS, then AVAILABLE
    stage = rest_api.client.get_stage(restApiId=rest_api.id, stageName="v1")
    assert stage.get("cacheClusterStatus") in (None, "NOT_AVAILABLE")


def test_there_is_no_application_auto_scaling(ministack: Ministack) -> None:
    with pytest.raises(ClientError):
        ministack.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="lambda"
        )


def test_traces_are_not_taken(ministack: Ministack) -> None:
    with pytest.raises(ClientError):
        ministack.client("xray").put_trace_segments(TraceSegmentDocuments=["{}"])
