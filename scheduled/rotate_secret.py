"""Secrets Manager's rotation of our secrets: one step of one secret for each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.consumers.rotations import RotationStep, rotation_handler
from itemstream.rotation import RotationRefused
from itemstream.rotation.steps import perform
from itemstream.rotation.versions_secretsmanager import SecretsManagerVersions

if TYPE_CHECKING:
    from itemstream.rotation.steps import Rotation


@dataclass(frozen=True)
class Settings:
    """Environment of this function: which secret is of which kind, and where public keys are."""

    token_signing_secret: str
    cursor_signing_secret: str
    database_user_secret: str
    keys_bucket: str
    jwks_cooldown_seconds: float


settings = from_environment(Settings)


@rotation_handler
def handler(step: RotationStep) -> None:
    """Do what the secret's kind does in this step."""
    perform(step.name, step.version, SecretsManagerVersions(step.secret), rotation_of(step.secret))


def rotation_of(secret: str) -> Rotation:
    """Return how a secret is rotated; the others' code is not loaded."""
    if secret == settings.token_signing_secret:
        from itemstream.rotation.published_keys_s3 import S3PublishedKeys
        from itemstream.rotation.token_signing import TokenSigning

        keys = S3PublishedKeys(aws_client("s3"), settings.keys_bucket)
        return TokenSigning(keys, settings.jwks_cooldown_seconds)
    if secret == settings.cursor_signing_secret:
        from itemstream.rotation.cursor_signing import CursorSigning

        return CursorSigning()
    if secret == settings.database_user_secret:
        from itemstream.rotation.database_mysql import DatabasePassword

        return DatabasePassword.from_environment()
    raise RotationRefused("this secret is not one that this function rotates")
