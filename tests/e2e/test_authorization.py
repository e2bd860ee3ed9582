"""Who may do what: tokens, scopes, and the policy that the gateway keeps."""

from __future__ import annotations

import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.local_stack import ITEMSTREAM, ROOT, Caller, LocalStack, assert_problem
from tests.waiting import eventually
from tools.stack.settings import current_stack
from tools.tokens.issuer import issue

if TYPE_CHECKING:
    from collections.abc import Callable

PROTECTED = [
    ("GET", "items"),
    ("POST", "items"),
    ("GET", "items/01900000-0000-7000-8000-000000000000"),
    ("PUT", "items/01900000-0000-7000-8000-000000000000"),
    ("DELETE", "items/01900000-0000-7000-8000-000000000000"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_a_token_nothing_is_answered(
    anonymous: httpx.Client, method: str, path: str
) -> None:
    assert_problem(anonymous.request(method, path, json={"name": "x"}), 401)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic dGVzdDp0ZXN0",
        "Bearer a.b.c d",
        "🪑".encode(),
    ],
)
def test_what_is_no_token_is_refused(anonymous: httpx.Client, authorization: Any) -> None:
    assert_problem(anonymous.get("items", headers={"Authorization": authorization}), 401)


def foreign_token(claims: dict[str, Any], key_id: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, "ES256", {"kid": key_id, "typ": "at+jwt"})


@pytest.mark.parametrize(
    ("claims", "headers"),
    [
        ({"exp": 1}, {}),
        ({"nbf": 2**40}, {}),
        ({"iss": "https://other.example"}, {}),
        ({"aud": "other"}, {}),
        ({"aud": ["itemstream", "other"]}, {}),
        ({"tenant": "a#0"}, {}),
        ({"tenant": None}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"kid": "unknown"}),
        ({}, {"jku": "https://other.example/jwks.json"}),
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_is_refused(
    anonymous: httpx.Client,
    sign: Callable[..., str],
    claims: dict[str, Any],
    headers: dict[str, Any],
) -> None:
    token = sign(headers=headers, **claims)
    answer = anonymous.get("items", headers={"Authorization": f"Bearer {token}"})
    assert_problem(answer, 401)


def test_a_token_signed_by_another_key_is_refused(
    anonymous: httpx.Client, sign: Callable[..., str]
) -> None:
    # Given the claims and key id of a good token, signed by a key of the attacker's
    good = sign()
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = foreign_token(claims, jwt.get_unverified_header(good)["kid"])

    # When / Then
    assert anonymous.get("items", headers={"Authorization": f"Bearer {good}"}).status_code == 200
    answer = anonymous.get("items", headers={"Authorization": f"Bearer {forged}"})
    assert_problem(answer, 401)


def test_scopes_open_their_own_routes_and_no_others(make_caller: Callable[..., Caller]) -> None:
    # Given
    writer = make_caller(scope="items:write")
    reader = make_caller(writer.tenant, scope="items:read")
    nobody = make_caller(writer.tenant, scope="calls:read")

    # When / Then: the gateway keeps the first answer of the authorizer for all these calls
    item = writer.created()
    for _ in range(2):
        assert_problem(reader.create(), 403)
        assert reader.get(item["id"]).status_code == 200
        assert_problem(reader.put(item["id"], {"name": "x"}, '"1"'), 403)
        assert_problem(writer.get(item["id"]), 403)
        assert_problem(writer.http.get("items"), 403)
        assert reader.http.get("items").status_code == 200
        assert_problem(nobody.http.get("items"), 403)
        assert_problem(nobody.delete(item["id"], '"1"'), 403)
    assert writer.delete(item["id"], '"1"').status_code == 204


def test_keys_rotate_without_one_refused_request(stack: LocalStack) -> None:
    # Given callers that take a new token for every request
    environment = {"ITEMSTREAM_STACK": "test", **os.environ}
    local = current_stack()
    used: set[str] = set()
    refused: list[str] = []
    stop = threading.Event()

    def call() -> int:
        calls = 0
        with httpx.Client(base_url=f"{stack.rest_api_url}/", timeout=30) as http:
            while not stop.is_set():
                token = issue(local, "rotation", "items:read", "tester", 600)
                used.add(jwt.get_unverified_header(token)["kid"])
                answer = http.get("items", headers={"Authorization": f"Bearer {token}"})
                calls += 1
                if answer.status_code != 200:
                    refused.append(f"{answer.status_code} {answer.text}")
        return calls

    with ThreadPoolExecutor(2) as pool:
        callers = [pool.submit(call) for _ in range(2)]
        try:
            # When
            for _ in range(2):
                known = set(used)
                subprocess.run(
                    [*ITEMSTREAM, "keys", "rotate"], cwd=ROOT, env=environment, check=True
                )
                eventually(lambda known=known: used - known, what="a token of the new key")
        finally:
            stop.set()
        calls = sum(caller.result() for caller in callers)

    # Then
    assert refused == []
    assert len(used) >= 3
    assert calls > 0
