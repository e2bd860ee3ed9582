"""Whose dead letters: the local stack's, or those of an environment on AWS."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from tools.environments.naming import LOCAL_ENVIRONMENT, find_environment
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.stack.settings import Stack

__all__ = ["Account", "aws_problems", "local_account", "open_account"]

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_RIGHTS = "docs/runbooks/dead-letters.md lists the rights that these commands need."


@dataclass(frozen=True)
class Account:
    """
    An environment, and clients for the account that it lives in.

    Attributes
    ----------
    environment
        Name of the environment: local, dev, staging, prod, or a copy of dev.
    place
        Where it is, in words.
    session
        Holds the caller's credentials and region.
    endpoint
        Where the local AWS answers; ``None`` on AWS.
    """

    environment: str
    place: str
    session: boto3.Session
    endpoint: str | None = None

    @property
    def prefix(self) -> str:
        """What the names of everything in this environment begin with."""
        return f"itemstream-{self.environment}-"

    def client(self, service: str, **settings: Any) -> Any:
        """Return a client of a service; `settings` are botocore's ``Config``."""
        config = Config(**{"retries": {"mode": "standard", "total_max_attempts": 5}, **settings})
        return self.session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            config=config,
        )

    def caller(self) -> str:
        """
        Say who is calling, as an ARN.

        Raises
        ------
        Problem
            If AWS does not know the caller, or does not answer.
        """
        try:
            return str(self.client("sts").get_caller_identity()["Arn"])
        except EndpointConnectionError:
            raise Problem(f"Nobody answers at {self.place}. {self._remedy}") from None
        except (BotoCoreError, ClientError) as error:
            raise Problem(f"{self.place} does not know you ({error}). {self._remedy}") from None

    @property
    def _remedy(self) -> str:
        if self.endpoint:
            return "Start the stack: make up"
        return "Sign in (AWS_PROFILE, or `aws sso login`), then run the command again."


def open_account(environment: str) -> Account:
    """
    Return the account of an environment; `local` is the current local stack.

    Raises
    ------
    Problem
        If there is no such environment, the stack is not up or nobody is signed in.
    """
    find_environment(environment)
    account = _local() if environment == LOCAL_ENVIRONMENT else _on_aws(environment)
    account.caller()
    return account


def _local() -> Account:
    from tools.stack.record import outputs
    from tools.stack.settings import current_stack

    stack = current_stack()
    # For its message when the stack was never made.
    outputs(stack)
    return local_account(stack)


def local_account(stack: Stack) -> Account:
    """Return a local stack as an account, with its root user as the caller."""
    session = boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (MiniStack's root user)
        region_name=stack.region,
    )
    return Account(LOCAL_ENVIRONMENT, f"the stack `{stack.name}`", session, stack.aws_endpoint_url)


def _on_aws(environment: str) -> Account:
    session = boto3.Session()
    if session.region_name is None:
        raise Problem(f"In which region is {environment}? Set AWS_REGION, then run it again.")
    return Account(environment, f"AWS ({session.region_name})", session)


@contextmanager
def aws_problems(account: Account) -> Iterator[None]:
    """
    Tell what AWS refuses, or that it does not answer, as something a person can mend.

    Raises
    ------
    Problem
        For every error of AWS's that nothing within dealt with.
    """
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        what = f"{error.operation_name} at {account.place}"
        if said.get("Code") in _DENIED:
            raise Problem(f"You may not call {what}: {said.get('Message')}\n{_RIGHTS}") from None
        raise Problem(f"{what} failed: {said.get('Code')}: {said.get('Message')}") from None
    except BotoCoreError as error:
        raise Problem(
            f"{account.place} does not answer ({error}). Run the command again: it goes on where "
            "it was."
        ) from None
