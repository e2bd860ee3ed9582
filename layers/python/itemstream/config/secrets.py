"""Secrets Manager values, read through Powertools parameters and kept for five minutes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from itemstream.aws import aws_client

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

__all__ = ["json_secret"]

MAX_AGE_SECONDS = 300


@cache
def _provider() -> SecretsProvider:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto3_client=aws_client("secretsmanager"))


def json_secret(secret_id: str) -> dict[str, Any]:
    """
    Read a secret that holds a JSON object.

    Parameters
    ----------
    secret_id
        Name or ARN of the secret.

    Raises
    ------
    GetParameterError, TransformParameterError
        From Powertools: the secret cannot be read, or is not JSON.
    """
    value = _provider().get(secret_id, max_age=MAX_AGE_SECONDS, transform="json")
    return cast("dict[str, Any]", value)
