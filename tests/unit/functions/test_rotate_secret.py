"""The rotation function, as Secrets Manager calls it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pymysql.err import ProgrammingError

from itemstream.aws import aws_client
from itemstream.consumers.rotations import RotationFailed
from itemstream.dependencies import DependencyUnavailable
from itemstream.rotation import RotationRefused
from itemstream.rotation.database_mysql import DatabasePassword
from itemstream.rotation.steps import STEPS
from tests.fakes.gateway import LambdaContext
from tests.fakes.rotation import Versions

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT = {
    "TOKEN_SIGNING_SECRET": "arn:token-signing",
    "CURSOR_SIGNING_SECRET": "arn:cursor-signing",
    "DATABASE_USER_SECRET": "arn:database",
    "KEYS_BUCKET": "keys",
    "JWKS_COOLDOWN_SECONDS": "0",
    "DATABASE_HOST": "127.0.0.1",
    "DATABASE_PORT": "3306",
    "DATABASE_NAME": "itemstream",
    "DATABASE_USER": "itemstream",
    "DATABASE_OWNER": "owner",
    "DATABASE_OWNER_SECRET": "arn:owner",
    "DATABASE_TLS_CA": "",
}
DATABASE = json.dumps({"username": "itemstream", "password": "the old password"})


@pytest.fixture
def function(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    aws_client("s3").create_bucket(Bucket="keys")
    monkeypatch.setattr("itemstream.rotation.token_signing.CLOCK_SECONDS", 0.0)
    return load("scheduled.rotate_secret")


@pytest.fixture
def versions(function: Any, monkeypatch: pytest.MonkeyPatch) -> Versions:
    versions = Versions(current=None)
    monkeypatch.setattr(function, "SecretsManagerVersions", lambda _: versions)
    return versions


def call(function: Any, secret: str, step: str) -> None:
    event = {"SecretId": secret, "ClientRequestToken": "new", "Step": step, "RotationToken": "t"}
    function.handler(event, LambdaContext())


def secrets_of(value: str) -> list[str]:
    """Every string in a secret that is none of its labels."""
    document = json.loads(value)
    if "keys" in document:
        return list(document["keys"].values())
    if "password" in document:
        return [document["password"]]
    return [document[name]["private_pem"].splitlines()[1] for name in ("current", "next")]


@pytest.mark.parametrize("secret", ["arn:token-signing", "arn:cursor-signing"])
def test_a_secret_is_rotated_and_nothing_of_it_logged(
    function: Any, versions: Versions, secret: str, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    for step in STEPS:
        call(function, secret, step)

    # Then
    lines = log()
    done = [line["step"] for line in lines if line.get("message") == "rotation step done"]
    assert done == list(STEPS)
    assert {line["secret"] for line in lines if "secret" in line} == {secret}
    found = secrets_of(versions.current)
    assert len(found) == 2
    assert not any(text in json.dumps(lines) for text in found)


def test_public_keys_are_published(function: Any, versions: Versions) -> None:
    # When
    for step in STEPS[:2]:
        call(function, "arn:token-signing", step)

    # Then
    published = aws_client("s3").get_object(Bucket="keys", Key="jwks.json")
    keys = json.loads(published["Body"].read())["keys"]
    assert {key["kid"] for key in keys} == {
        json.loads(versions.values["new"])[name]["kid"] for name in ("current", "next")
    }
    assert published["ContentType"] == "application/jwk-set+json"


def test_an_error_that_quotes_the_password_is_told_without_its_text(
    function: Any,
    versions: Versions,
    monkeypatch: pytest.MonkeyPatch,
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    versions.held["old"], versions.values["old"] = ["AWSCURRENT"], DATABASE
    call(function, "arn:database", "createSecret")
    [made] = secrets_of(versions.values["new"])

    def fails(*_: Any) -> None:
        raise ProgrammingError(1064, f"You have an error in your SQL syntax near '{made}'")

    monkeypatch.setattr(DatabasePassword, "set", fails)

    # When
    with pytest.raises(RotationFailed) as failure:
        call(function, "arn:database", "setSecret")

    # Then
    assert str(failure.value) == "setSecret failed: ProgrammingError"
    assert failure.value.__suppress_context__
    lines = json.dumps(log())
    assert "ProgrammingError" in lines
    assert made not in lines
    assert "the old password" not in lines


def test_a_database_that_is_away_is_named(
    function: Any, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    versions.held["old"], versions.values["old"] = ["AWSCURRENT"], DATABASE
    versions.values["new"] = DATABASE

    def away(*_: Any) -> None:
        raise DependencyUnavailable("MySQL")

    monkeypatch.setattr(DatabasePassword, "test", away)

    # Then
    with pytest.raises(RotationFailed, match="testSecret failed: MySQL is not available"):
        call(function, "arn:database", "testSecret")


def test_a_secret_that_it_does_not_know_is_refused(
    function: Any, versions: Versions, log: Callable[[], list[dict[str, Any]]]
) -> None:
    with pytest.raises(RotationRefused, match="not one that this function rotates"):
        call(function, "arn:other", "createSecret")
    assert [line["reason"] for line in log() if line.get("message") == "rotation refused"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        {"SecretId": "arn:token-signing", "ClientRequestToken": "new"},
        {"SecretId": "arn:token-signing", "ClientRequestToken": 1, "Step": "createSecret"},
        {"SecretId": "", "ClientRequestToken": "new", "Step": "createSecret"},
    ],
)
def test_a_call_that_is_none_of_secrets_manager_is_refused(function: Any, event: Any) -> None:
    with pytest.raises(RotationRefused, match="not a call of Secrets Manager"):
        function.handler(event, LambdaContext())
