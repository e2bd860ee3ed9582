"""The versions of a secret in Secrets Manager."""

from __future__ import annotations

from typing import Any

from itemstream.aws import aws_client
from itemstream.rotation import RotationRefused
from itemstream.rotation.steps import PENDING

__all__ = ["SecretsManagerVersions"]


class SecretsManagerVersions:
    """
    Versions of one secret, read as they are now: Powertools would keep them.

    Parameters
    ----------
    secret
        ARN of the secret.
    client
        Of Secrets Manager; the function's own by default.
    """

    def __init__(self, secret: str, client: Any = None) -> None:
        self._secret = secret
        self._client = client or aws_client("secretsmanager")

    def labels(self) -> dict[str, list[str]]:
        """
        Return the labels of each version, by its id.

        Raises
        ------
        RotationRefused
            If the secret is not to be rotated.
        """
        described = self._client.describe_secret(SecretId=self._secret)
        if not described.get("RotationEnabled"):
            raise RotationRefused("rotation is not enabled for this secret")
        return dict(described.get("VersionIdsToStages", {}))

    def read(self, version: str) -> str | None:
        """Return a version's value; ``None`` if it has none yet."""
        try:
            answer = self._client.get_secret_value(SecretId=self._secret, VersionId=version)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        value: str | None = answer.get("SecretString")
        return value

    def store(self, version: str, value: str) -> None:
        """Give the pending version its value; the same one again changes nothing."""
        self._client.put_secret_value(
            SecretId=self._secret,
            ClientRequestToken=version,
            SecretString=value,
            VersionStages=[PENDING],
        )

    def promote(self, version: str, previous: str | None) -> None:
        """Make a version the current one, in place of `previous`."""
        removed = {"RemoveFromVersionId": previous} if previous else {}
        self._client.update_secret_version_stage(
            SecretId=self._secret, VersionStage="AWSCURRENT", MoveToVersionId=version, **removed
        )
        self._client.update_secret_version_stage(
            SecretId=self._secret, VersionStage=PENDING, RemoveFromVersionId=version
        )
