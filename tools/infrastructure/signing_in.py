"""Who is signed in to AWS, and how Terraform gets to be the same."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from tools.dependencies.terraform import terraform_environment
from tools.project import Problem

__all__ = ["SignedIn", "sign_in", "signed_in_or_none"]

_ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class SignedIn:
    """
    An AWS account and region, with credentials for them.

    Parameters
    ----------
    account, region
        The account's twelve digits; the region's name.
    session
        Makes clients.
    """

    account: str
    region: str
    session: boto3.Session

    @property
    def emulated(self) -> bool:
        """Whether an emulator on this machine answers for AWS."""
        return _ENDPOINT in os.environ

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client of a service, in another region if one is given."""
        return self.session.client(
            service,  # type: ignore[call-overload]
            region_name=region or self.region,
            config=Config(s3={"addressing_style": "path" if self.emulated else "auto"}),
        )

    def terraform_variables(self, **more: str) -> dict[str, str]:
        """
        Return Terraform's environment with these credentials.

        Raises
        ------
        Problem
            If the credentials are gone meanwhile.
        """
        credentials = self.session.get_credentials()
        if credentials is None:
            raise Problem("The AWS credentials are gone. Sign in again, then run it again.")
        frozen = credentials.get_frozen_credentials()
        endpoint = {_ENDPOINT: os.environ[_ENDPOINT]} if self.emulated else {}
        token = {"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}
        return terraform_environment(
            AWS_REGION=self.region,
            AWS_DEFAULT_REGION=self.region,
            AWS_ACCESS_KEY_ID=str(frozen.access_key),
            AWS_SECRET_ACCESS_KEY=str(frozen.secret_key),
            **{**endpoint, **token, **more},
        )


def signed_in_or_none() -> SignedIn | None:
    """
    Find out who is signed in, if anybody is.

    Raises
    ------
    Problem
        If somebody is with credentials that do not hold, or no region is chosen.
    """
    session = boto3.Session()
    try:
        account = session.client("sts", region_name=session.region_name or "us-east-1")
        number = str(account.get_caller_identity()["Account"])
    except NoCredentialsError:
        return None
    except (BotoCoreError, ClientError) as error:
        raise Problem(
            f"AWS does not know you: {error}. Sign in again (AWS_PROFILE, or `aws sso login`), "
            "then run the command again."
        ) from None
    if session.region_name is None:
        raise Problem("In which region? Set AWS_REGION, then run the command again.")
    return SignedIn(number, session.region_name, session)


def sign_in() -> SignedIn:
    """
    Find out who is signed in.

    Raises
    ------
    Problem
        If nobody is, or no region is chosen.
    """
    found = signed_in_or_none()
    if found is None:
        raise Problem(
            "Nobody is signed in to AWS. Sign in (AWS_PROFILE, or `aws sso login`), then run the "
            "command again."
        )
    return found
