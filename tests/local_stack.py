"""Fixtures for tests that talk to the running local stack.

The stack is started once for the run (`make test`), or is the one that is up already:
`ITEMSTREAM_STACK` says which, `test` by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import jwt
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
ITEMSTREAM = [sys.executable, "-m", "tools"]
EVERY_SCOPE = "items:read items:write"


@dataclass(frozen=True)
class LocalStack:
    """What `itemstream status --json` says, and AWS clients for it."""

    status: dict[str, Any]

    @property
    def rest_api_url(self) -> str:
        return str(self.status["rest_api_url"]).rstrip("/")

    def client(self, service: str, **credentials: str) -> Any:
        endpoint = self.status["aws_endpoint_url"]
        if service == "apigatewaymanagementapi":
            # Of one API: the address of its sockets.
            endpoint = self.status["websocket_url"].replace("ws", "http", 1)
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=self.status["region"],
            **(credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}),
        )

    def table(self, name: str) -> str:
        return str(self.status["tables"][name])

    def function(self, name: str) -> str:
        return str(self.status["functions"][name])

    def variables(self, function: str) -> dict[str, str]:
        """Return the environment variables that a function is configured with."""
        configuration = self.client("lambda").get_function_configuration(
            FunctionName=self.function(function)
        )
        return dict(configuration["Environment"]["Variables"])

    def end_of_log(self, tenant: str) -> int:
        """Return how many events a tenant's log has, without reading them."""
        head = self.client("dynamodb").get_item(
            TableName=self.table("events"),
            Key={"pk": {"S": f"head#{tenant}"}, "sk": {"S": "head"}},
            ConsistentRead=True,
        )
        return int(head["Item"]["next"]["N"]) - 1 if "Item" in head else 0

    def secret(self, name: str) -> dict[str, Any]:
        secret_id = self.status["secrets"][name]["name"]
        answer = self.client("secretsmanager").get_secret_value(SecretId=secret_id)
        return dict(json.loads(answer["SecretString"]))


@dataclass
class Caller:
    """One caller of the REST API, with a token of its own."""

    stack: LocalStack
    tenant: str
    http: httpx.Client = field(repr=False)

    def create(self, content: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        return self.http.post(
            "items",
            json={"name": "A thing"} if content is None else content,
            headers=with_dashes(headers),
        )

    def created(self, **content: Any) -> dict[str, Any]:
        answer = self.create({"name": "A thing", **content})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def put(self, item_id: str, content: dict[str, Any], etag: str) -> httpx.Response:
        return self.http.put(f"items/{item_id}", json=content, headers={"If-Match": etag})

    def delete(self, item_id: str, etag: str) -> httpx.Response:
        return self.http.delete(f"items/{item_id}", headers={"If-Match": etag})

    def get(self, item_id: str, **headers: str) -> httpx.Response:
        return self.http.get(f"items/{item_id}", headers=with_dashes(headers))

    def pages(self, **query: Any) -> Iterator[list[dict[str, Any]]]:
        while True:
            answer = self.http.get("items", params=query)
            assert answer.status_code == 200, answer.text
            yield answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return
            query["cursor"] = answer.json()["next_cursor"]


def with_dashes(headers: dict[str, str]) -> dict[str, str]:
    """Write If_Match as If-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def assert_problem(answer: httpx.Response, status: int, *fields: str) -> dict[str, Any]:
    """Check that an answer is a problem document with this status that names these fields."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"] == "about:blank" or problem["type"].startswith("urn:itemstream:problem:")
    assert problem["instance"].startswith("urn:uuid:")
    assert "Traceback" not in answer.text
    errors = problem.get("errors", [])
    for one in fields:
        # The gateway's own errors name the field in their reason.
        assert any(one == error["field"] or f'"{one}"' in error["reason"] for error in errors), (
            problem
        )
    assert all(error["reason"] for error in errors)
    return problem


@pytest.fixture(scope="session")
def stack() -> LocalStack:
    environment = {"ITEMSTREAM_STACK": "test", **os.environ}
    shown = subprocess.run(
        [*ITEMSTREAM, "status", "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode != 0:
        pytest.fail(f"the local stack is not up: run `make test`\n{shown.stdout}{shown.stderr}")
    return LocalStack(json.loads(shown.stdout))


@pytest.fixture(scope="session")
def sign(stack: LocalStack) -> Callable[..., str]:
    """Sign tokens with the stack's own key, with claims and headers as the test wants them."""
    signing = stack.secret("token_signing")

    def signed(*, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        usual = {
            "iss": stack.status["token_issuer"],
            "aud": stack.status["token_audience"],
            "sub": "tester",
            "tenant": "demo",
            "scope": EVERY_SCOPE,
            "iat": now,
            "exp": now + 3600,
            "jti": str(uuid4()),
        }
        return jwt.encode(
            {**usual, **claims},
            signing["current"]["private_pem"],
            signing["current"]["alg"],
            {"kid": signing["current"]["kid"], "typ": "at+jwt", **(headers or {})},
        )

    return signed


@pytest.fixture
def anonymous(stack: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{stack.rest_api_url}/", timeout=30) as http:
        yield http


@pytest.fixture
def make_caller(stack: LocalStack, sign: Callable[..., str]) -> Iterator[Callable[..., Caller]]:
    """Make callers; each gets a tenant of its own unless the test names one."""
    clients: list[httpx.Client] = []

    def make(tenant: str | None = None, scope: str = EVERY_SCOPE, **claims: Any) -> Caller:
        tenant = tenant or f"t-{uuid4().hex[:12]}"
        token = sign(tenant=tenant, scope=scope, **claims)
        http = httpx.Client(
            base_url=f"{stack.rest_api_url}/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            limits=httpx.Limits(max_connections=64),
        )
        clients.append(http)
        return Caller(stack, tenant, http)

    yield make
    for http in clients:
        http.close()


@pytest.fixture
def caller(make_caller: Callable[..., Caller]) -> Caller:
    return make_caller()
