"""The REST authorizer, from event to policy."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.config import ConfigurationError
from tests.fakes.gateway import LambdaContext
from tests.fakes.issuer import AUDIENCE, ISSUER, claims, issuer_jwks, token
from tests.unit.auth.corpus import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:abc123/v1/GET/items"
ENVIRONMENT = {
    "JWKS_URL": "s3://keys/jwks.json",
    "TOKEN_ISSUER": ISSUER,
    "TOKEN_AUDIENCE": AUDIENCE,
    "ROUTE_SCOPES": json.dumps([{"method": "GET", "path": "/items", "scope": "items:read"}]),
}


@pytest.fixture
def authorize(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str | None], Any]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    client = aws_client("s3")
    client.create_bucket(Bucket="keys")
    client.put_object(Bucket="keys", Key="jwks.json", Body=issuer_jwks())
    module = load("authorizers.rest")

    def call(header: str | None) -> Any:
        event = {"type": "TOKEN", "authorizationToken": header, "methodArn": METHOD_ARN}
        return module.handler(event, LambdaContext())

    return call


def current() -> str:
    now = int(time.time())
    return token(payload=claims(iat=now, nbf=now, exp=now + 600))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_a_good_token_gets_a_policy(authorize: Callable[[str | None], Any], scheme: str) -> None:
    answer = authorize(scheme + current())
    assert answer["context"]["tenant"] == "acme"
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == [METHOD_ARN]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer Bearer x"])
def test_no_bearer_token_is_unauthorized(
    authorize: Callable[[str | None], Any], header: str | None
) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(header)


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "\tBearer "])
def test_another_scheme_is_unauthorized(
    authorize: Callable[[str | None], Any], scheme: str
) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(scheme + current())


def test_every_bad_token_is_unauthorized_and_stays_out_of_the_log(
    authorize: Callable[[str | None], Any], log: Callable[[], list[dict[str, Any]]]
) -> None:
    for name, bad in REFUSED.items():
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorize(f"Bearer {bad}")
        lines = log()
        assert [line["message"] for line in lines if "message" in line] == ["token refused"], name
        written = json.dumps(lines)
        assert not any(part in written for part in bad.split(".") if len(part) > 12), name


def test_an_issuer_that_was_never_reached_is_no_refusal(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    module = load("authorizers.rest")

    # When, then the gateway answers 500, not 401: the token may be good
    event = {"authorizationToken": f"Bearer {current()}", "methodArn": METHOD_ARN}
    with pytest.raises(Exception, match="no verification keys yet"):
        module.handler(event, LambdaContext())


def test_a_missing_setting_fails_at_init(aws: None, load: Callable[[str], Any]) -> None:
    with mock_aws(), pytest.raises(ConfigurationError, match="JWKS_URL is not set"):
        load("authorizers.rest")
