"""Tokens that `itemstream token` prints are accepted; what would be refused is not printed."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import boto3
import jwt
import pytest
from botocore.config import Config

from itemstream.auth import Principal
from itemstream.auth.keys import KeySet
from itemstream.auth.signing_keys import KeyRing, new_key_ring
from itemstream.auth.tokens import TokenVerifier
from tools.project import Problem
from tools.stack.scratch import free_port
from tools.stack.settings import Stack
from tools.tokens import issuer
from tools.tokens.issuer import issue

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = Stack("trial", 1, 2, 3, 4, "us-east-1")
OUTPUTS = {"token_issuer": "urn:us", "token_audience": "us"}


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> KeyRing:
    """A stack that is up, with signing keys."""
    made = new_key_ring(dt.datetime.now(dt.UTC))
    monkeypatch.setattr(issuer, "outputs", lambda _: OUTPUTS)
    monkeypatch.setattr(issuer, "_ring", lambda _: made)
    return made


@pytest.fixture
def verify(ring: KeyRing) -> Callable[[str], Principal]:
    published = json.dumps(ring.public_keys(dt.datetime.now(dt.UTC))).encode()
    return TokenVerifier(KeySet(lambda: published), issuer="urn:us", audience="us").verify


@pytest.mark.parametrize("scope", ["", "items:read", "items:read items:write"])
def test_a_printed_token_says_what_was_asked(
    verify: Callable[[str], Principal], scope: str
) -> None:
    # When
    token = issue(STACK, "acme_1", scope, "ann@example.com", 60)

    # Then
    ends_at = jwt.decode(token, options={"verify_signature": False})["exp"]
    assert verify(token) == Principal(
        "acme_1", "ann@example.com", frozenset(scope.split()), ends_at
    )


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("tenant", ["a#b", "", "é", "../x", "_a", "a" * 65, "a\n"])
def test_a_tenant_that_would_be_refused_is_told(tenant: str) -> None:
    with pytest.raises(Problem, match=r"--tenant takes 1 to 64 ASCII letters"):
        issue(STACK, tenant, "items:read", "ann", 60)


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("subject", ["", "a b", "é", "a" * 256])
def test_a_subject_that_would_be_refused_is_told(subject: str) -> None:
    with pytest.raises(Problem, match=r"--subject takes 1 to 255"):
        issue(STACK, "acme", "items:read", subject, 60)


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("scope", [" ", "a  b", 'a"b', "a\\b", "é", "a\tb"])
def test_a_scope_that_would_be_refused_is_told(scope: str) -> None:
    with pytest.raises(Problem, match=r"--scope takes words"):
        issue(STACK, "acme", scope, "ann", 60)


@pytest.mark.usefixtures("ring")
def test_a_token_that_would_be_too_long_is_told() -> None:
    with pytest.raises(Problem, match="fewer scopes"):
        issue(STACK, "acme", "s" * 8000, "ann", 60)


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("seconds", [0, -1, 86_401, 10**15])
def test_a_lifetime_out_of_range_is_told(seconds: int) -> None:
    with pytest.raises(Problem, match="use 1 to 86400 seconds"):
        issue(STACK, "acme", "items:read", "ann", seconds)


def test_a_stack_that_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    unreachable = boto3.client(
        "secretsmanager",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        region_name=STACK.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    monkeypatch.setattr(issuer, "client", lambda *_: unreachable)
    secret = {"token_signing": {"name": "keys"}}
    monkeypatch.setattr(issuer, "outputs", lambda _: {**OUTPUTS, "secrets": secret})

    # Then
    with pytest.raises(Problem, match="make up"):
        issue(STACK, "acme", "items:read", "ann", 60)
