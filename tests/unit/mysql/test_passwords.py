"""What connections log in with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.config.secrets import _provider
from itemstream.mysql.passwords import IamToken, SecretPassword

if TYPE_CHECKING:
    import pytest


def test_a_token_is_a_signed_request_for_one_user_of_one_proxy(aws: None) -> None:
    # When
    token = IamToken("proxy.example", 3306, "itemstream").current()

    # Then it is as the RDS User Guide has it, without its scheme, and good for 15 minutes
    request = urlsplit(f"https://{token}")
    asked = parse_qs(request.query)
    assert request.netloc == "proxy.example:3306"
    assert (asked["Action"], asked["DBUser"]) == (["connect"], ["itemstream"])
    assert asked["X-Amz-Expires"] == ["900"]
    assert asked["X-Amz-Credential"][0].endswith("/us-east-1/rds-db/aws4_request")
    assert "X-Amz-Signature" in asked


@mock_aws
def test_a_password_is_remembered_until_a_fresh_one_is_asked_for(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a secret that has been read, and rotated since
    _provider.cache_clear()
    manager = aws_client("secretsmanager")
    manager.create_secret(Name="database", SecretString=json.dumps({"password": "old"}))
    password = SecretPassword("database")
    assert password.current() == "old"
    manager.put_secret_value(SecretId="database", SecretString=json.dumps({"password": "new"}))

    # When, then
    assert password.current() == "old"
    assert password.current(fresh=True) == "new"
    assert password.current() == "new"
    _provider.cache_clear()
