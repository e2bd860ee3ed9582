"""Calls of Secrets Manager: one step of a secret's rotation.

Source of the format: Secrets Manager User Guide, "Lambda rotation functions".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.rotation import RotationRefused

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RotationFailed", "RotationStep", "rotation_handler"]


class RotationFailed(Exception):  # noqa: N818
    """A step failed; the message says which and the kind of error, not its text."""


@dataclass(frozen=True, slots=True)
class RotationStep:
    """
    A step of a rotation.

    Parameters
    ----------
    secret
        ARN of the secret.
    version
        Id of the version that is being made: Secrets Manager's ``ClientRequestToken``.
    name
        ``createSecret``, ``setSecret``, ``testSecret`` or ``finishSecret``.
    """

    secret: str
    version: str
    name: str


def rotation_handler(
    take: Callable[[RotationStep], None],
) -> Callable[[dict[str, Any], Any], None]:
    """
    Make a Lambda handler of a function of one step.

    A step that fails is told to Secrets Manager, which begins the rotation again. Errors of a
    database may quote a statement with its password: nothing of their text gets out.
    """

    @wraps(take)
    @observed
    def handler(event: dict[str, Any], _context: Any) -> None:
        step = RotationStep("", "", "the call")
        try:
            step = _read(event)
            logger.append_keys(secret=step.secret, version=step.version, step=step.name)
            take(step)
        except RotationRefused as refused:
            logger.error("rotation refused", extra={"reason": str(refused)})
            raise
        except Exception as error:
            logger.error("rotation failed", extra=error_fields(error))
            known = isinstance(error, DependencyUnavailable)
            reason = str(error) if known else type(error).__name__
            raise RotationFailed(f"{step.name} failed: {reason}") from None
        logger.info("rotation step done")

    return handler


def _read(event: dict[str, Any]) -> RotationStep:
    fields = [event.get(name) for name in ("SecretId", "ClientRequestToken", "Step")]
    if not all(isinstance(value, str) and value for value in fields):
        raise RotationRefused("not a call of Secrets Manager: SecretId, ClientRequestToken, Step")
    return RotationStep(*(str(value) for value in fields))
