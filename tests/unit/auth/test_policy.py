"""The authorizer's policy says all that a token allows, and never more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from itemstream.auth import Principal
from itemstream.auth.policy import policy_for, routes_from_json

STAGE = "arn:aws:execute-api:us-east-1:000000000000:abc123/v1"
ROUTES = routes_from_json(
    json.dumps(
        [
            {"method": "POST", "path": "/items", "scope": "items:write"},
            {"method": "GET", "path": "/items", "scope": "items:read"},
            {"method": "GET", "path": "/items/{id}", "scope": "items:read"},
            {"method": "PUT", "path": "/items/{id}", "scope": "items:write"},
        ]
    )
)


def answer(*scopes: str, request: str = "GET/items") -> dict[str, Any]:
    principal = Principal("acme", "alice", frozenset(scopes), 1_800_000_600)
    return policy_for(principal, ROUTES, f"{STAGE}/{request}")


def statement(policy: dict[str, Any]) -> dict[str, Any]:
    (only,) = policy["policyDocument"]["Statement"]
    assert only["Action"] == "execute-api:Invoke"
    return dict(only)


def test_scopes_become_methods_and_paths() -> None:
    assert statement(answer("items:read")) == {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": [f"{STAGE}/GET/items", f"{STAGE}/GET/items/*"],
    }


@pytest.mark.parametrize("request_path", ["GET/items", "PUT/items/1", "DELETE/else/where/"])
def test_the_policy_is_the_same_whatever_is_asked_first(request_path: str) -> None:
    assert answer("items:read", request=request_path) == answer("items:read")


@pytest.mark.parametrize("scopes", [(), ("reports:read",), ("items:*",), ("items",)])
def test_a_token_that_allows_nothing_is_denied_everything(scopes: tuple[str, ...]) -> None:
    denied = statement(answer(*scopes))
    assert denied["Effect"] == "Deny"
    assert denied["Resource"] == [f"{STAGE}/*"]


def test_handlers_learn_who_calls() -> None:
    policy = answer("items:write", "items:read")
    assert policy["principalId"] == "alice"
    assert policy["context"] == {
        "tenant": "acme",
        "subject": "alice",
        "scopes": "items:read items:write",
        "expires_at": "1800000600",
    }
