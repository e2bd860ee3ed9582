"""Rotate a secret through Secrets Manager, and see it through to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.project import Problem

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from tools.dead_letters.accounts import Account

__all__ = ["ROTATED", "Described", "describe", "rotate"]

# As in terraform/secrets.tf.
ROTATED = ("cursor_signing", "database", "token_signing")
# Longer than the four steps may take, and some attempts at them.
_PATIENCE_SECONDS = 300.0
_INTERVAL_SECONDS = 0.5
_RUNBOOK = "docs/runbooks/secret-rotation-failed.md"


@dataclass(frozen=True)
class Described:
    """
    What there is to know of a secret without reading it.

    Parameters
    ----------
    name
        Its logical name.
    labels
        Of each version, by its id.
    rotated_at, next_at
        When it was rotated last, and when it is to be next.
    """

    name: str
    labels: dict[str, list[str]]
    rotated_at: dt.datetime | None
    next_at: dt.datetime | None

    @property
    def incomplete(self) -> bool:
        """Whether a rotation has begun and not come to its end."""
        return any(
            "AWSPENDING" in held and "AWSCURRENT" not in held for held in self.labels.values()
        )


def describe(account: Account, name: str) -> Described:
    """
    Look at a secret of an environment.

    Raises
    ------
    Problem
        If there is no such secret.
    """
    client = account.client("secretsmanager")
    try:
        found: dict[str, Any] = client.describe_secret(SecretId=_id(account, name))
    except client.exceptions.ResourceNotFoundException:
        raise Problem(f"There is no secret {_id(account, name)} at {account.place}.") from None
    return Described(
        name,
        found.get("VersionIdsToStages", {}),
        found.get("LastRotatedDate"),
        found.get("NextRotationDate"),
    )


def rotate(
    account: Account,
    name: str,
    report: Callable[[str], None],
    patience: float = _PATIENCE_SECONDS,
) -> str:
    """
    Rotate a secret now and return the id of its new version.

    A rotation that has begun before is waited for, or begun again.

    Parameters
    ----------
    report
        Is told what is waited for.
    patience
        Seconds after which it is given up; Secrets Manager may go on all the same.

    Raises
    ------
    Problem
        If there is no such secret, or its rotation comes to no end.
    """
    started = time.monotonic()

    def wait(what: str) -> None:
        passed = time.monotonic() - started
        if passed > patience:
            raise Problem(
                f"{name} is not rotated after {passed:.0f} s: {what}. What is in use is still "
                f"good. See why: {_RUNBOOK}"
            )
        report(f"{what} ({passed:.0f} s)")
        time.sleep(_INTERVAL_SECONDS)

    describe(account, name)
    while (version := _begin(account, name)) is None:
        wait("a rotation from before is not complete")
    while True:
        labels = describe(account, name).labels.get(version, [])
        if "AWSCURRENT" in labels:
            return version
        if not labels:
            raise Problem(f"The rotation of {name} was given up by somebody. Begin it again.")
        wait("the new version is made, set and tested")


def _begin(account: Account, name: str) -> str | None:
    """Begin a rotation and return its version; None while another is not complete."""
    client = account.client("secretsmanager")
    try:
        return str(client.rotate_secret(SecretId=_id(account, name))["VersionId"])
    except client.exceptions.InvalidRequestException as error:
        # Secrets Manager has no code for it: "A previous rotation isn't complete."
        if "previous rotation" in error.response["Error"]["Message"]:
            return None
        raise


def _id(account: Account, name: str) -> str:
    return f"{account.prefix}{name.replace('_', '-')}"
