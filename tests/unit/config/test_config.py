"""Configuration from the environment, and secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import (
    GetParameterError,
    TransformParameterError,
)
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.config import ConfigurationError, from_environment, secrets
from itemstream.config.secrets import json_secret
from itemstream.dependencies import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Settings:
    items_table: str
    items_shards: int
    cooldown: float = 30
    note: str = field(default_factory=lambda: "none")


def test_settings_are_read_by_name_and_type() -> None:
    environ = {"ITEMS_TABLE": "items", "ITEMS_SHARDS": "4", "COOLDOWN": "1.5", "OTHER": "x"}
    assert from_environment(Settings, environ) == Settings("items", 4, 1.5)


def test_settings_are_read_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITEMS_TABLE", "items")
    monkeypatch.setenv("ITEMS_SHARDS", "4")
    assert from_environment(Settings) == Settings("items", 4, 30)


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(ConfigurationError) as error:
        from_environment(Settings, {})
    assert str(error.value) == "Settings: ITEMS_TABLE is not set; ITEMS_SHARDS is not set"


def test_malformed_and_missing_variables_are_named_together() -> None:
    with pytest.raises(ConfigurationError) as error:
        from_environment(Settings, {"ITEMS_SHARDS": "four", "COOLDOWN": "soon"})
    assert "ITEMS_SHARDS must be int, not 'four'" in str(error.value)
    assert "COOLDOWN must be float, not 'soon'" in str(error.value)
    assert "ITEMS_TABLE is not set" in str(error.value)


@pytest.fixture
def secrets_manager(aws: None) -> Iterator[None]:
    secrets._provider.cache_clear()
    with mock_aws():
        yield
    secrets._provider.cache_clear()


@pytest.mark.usefixtures("secrets_manager")
def test_a_secret_is_read_once_in_a_while() -> None:
    # Given
    client = aws_client("secretsmanager")
    client.create_secret(Name="s", SecretString='{"current": "1"}')
    assert json_secret("s") == {"current": "1"}

    # When
    client.put_secret_value(SecretId="s", SecretString='{"current": "2"}')

    # Then
    assert json_secret("s") == {"current": "1"}


@pytest.mark.usefixtures("secrets_manager")
def test_a_secret_is_read_anew_when_asked() -> None:
    # Given
    client = aws_client("secretsmanager")
    client.create_secret(Name="s", SecretString='{"current": "1"}')
    assert json_secret("s") == {"current": "1"}

    # When
    client.put_secret_value(SecretId="s", SecretString='{"current": "2"}')

    # Then: it takes the place of what was kept
    assert json_secret("s", fresh=True) == {"current": "2"}
    assert json_secret("s") == {"current": "2"}


@pytest.mark.usefixtures("secrets_manager")
@pytest.mark.parametrize(
    "failure",
    [
        EndpointConnectionError(endpoint_url="https://secretsmanager"),
        ReadTimeoutError(endpoint_url="https://secretsmanager"),
        ClientError({"Error": {"Code": "ThrottlingException"}}, "GetSecretValue"),
        ClientError({"ResponseMetadata": {"HTTPStatusCode": 503}}, "GetSecretValue"),  # type: ignore[typeddict-item]
    ],
)
def test_a_secrets_manager_that_is_away_is_a_dependency_that_is_away(failure: Exception) -> None:
    with (
        mock.patch.object(aws_client("secretsmanager"), "get_secret_value", side_effect=failure),
        pytest.raises(DependencyUnavailable, match="Secrets Manager"),
    ):
        json_secret("s")


@pytest.mark.usefixtures("secrets_manager")
def test_a_secret_that_is_missing_or_no_json_is_an_error() -> None:
    aws_client("secretsmanager").create_secret(Name="s", SecretString="{")
    with pytest.raises(TransformParameterError):
        json_secret("s")
    with pytest.raises(GetParameterError):
        json_secret("none such")
