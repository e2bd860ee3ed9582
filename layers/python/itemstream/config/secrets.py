"""Secrets Manager values, read through Powertools parameters and kept for five minutes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

__all__ = ["json_secret"]

MAX_AGE_SECONDS = 300


@cache
def _provider() -> SecretsProvider:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto3_client=aws_client("secretsmanager"))


def json_secret(secret_id: str, *, fresh: bool = False) -> dict[str, Any]:
    """
    Read a secret that holds a JSON object.

    Parameters
    ----------
    secret_id
        Name or ARN of the secret.
    fresh
        Ask Secrets Manager whatever is kept: it may have been rotated.

    Raises
    ------
    DependencyUnavailable
        If Secrets Manager does not answer.
    GetParameterError, TransformParameterError
        From Powertools: the secret cannot be read, or is not JSON.
    """
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        value = _provider().get(
            secret_id, max_age=MAX_AGE_SECONDS, transform="json", force_fetch=fresh
        )
    except GetParameterError as error:
        if _is_outage(error.__cause__ or error.__context__):
            raise DependencyUnavailable("Secrets Manager") from error
        raise
    return cast("dict[str, Any]", value)


def _is_outage(error: BaseException | None) -> bool:
    """Whether asking again later may work; a denied permission is a fault and must stay one."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return status >= 500 or error.response.get("Error", {}).get("Code") == "ThrottlingException"
    return isinstance(error, HTTPClientError | ConnectionError)
