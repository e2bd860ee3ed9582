"""Events as the REST API sends them to functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

REQUEST_ID = "0b1a5e6c-9a3f-4c57-8d0e-2f6f3f0c7a11"
EVERY_SCOPE = "items:read items:write"
TOKEN_EXPIRES_AT = "4102444800"


@dataclass(frozen=True)
class LambdaContext:
    function_name: str = "itemstream-test-function"
    function_version: str = "7"
    aws_request_id: str = "6f9c2a52-5a7c-4f0e-b0a7-0f8f5d0c1e2d"
    remaining_milliseconds: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


def event(
    route: str = "GET /items",
    *,
    query: str = "",
    path: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: Any = None,
    tenant: str | None = "acme",
    scopes: str = EVERY_SCOPE,
) -> dict[str, Any]:
    """Write an event; a body that is no text is sent as JSON."""
    method, resource = route.split(" ")
    sent = {"Content-Type": "application/json"} if body is not None else {}
    said = {
        "tenant": tenant,
        "subject": "alice",
        "scopes": scopes,
        "expires_at": TOKEN_EXPIRES_AT,
    }
    return {
        "httpMethod": method,
        "resource": resource,
        "headers": {**sent, **(headers or {})} or None,
        "multiValueQueryStringParameters": parse_qs(query, keep_blank_values=True) or None,
        "pathParameters": path,
        "requestContext": {"requestId": REQUEST_ID, "authorizer": said if tenant else None},
        "body": body if isinstance(body, str | None) else json.dumps(body),
        "isBase64Encoded": False,
    }


def assert_problem(answer: dict[str, Any], status: int, *fields: str) -> dict[str, Any]:
    """Check that an answer is a problem document that names just these fields."""
    problem: dict[str, Any] = json.loads(answer["body"])
    assert answer["statusCode"] == status, problem
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"] == "about:blank" or problem["type"].startswith("urn:itemstream:problem:")
    assert problem["instance"] == f"urn:uuid:{REQUEST_ID}"
    assert {error["field"] for error in problem.get("errors", [])} == set(fields), problem
    return problem
