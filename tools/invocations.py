"""Functions that commands call and wait for, on the local stack or on AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.project import Problem

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account

__all__ = ["FunctionBusy", "FunctionFailed", "invoke"]


class FunctionBusy(Exception):  # noqa: N818
    """The function runs as often as it may already."""


class FunctionFailed(Exception):  # noqa: N818
    """
    The function ended with an error; the text is the error's own.

    Parameters
    ----------
    message
        What it says.
    error_type
        The exception's name, or Lambda's.
    """

    def __init__(self, message: str, error_type: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def invoke(account: Account, function: str, document: dict[str, Any], *, seconds: int) -> Any:
    """
    Call a function of an environment once, and return its answer as JSON values.

    Parameters
    ----------
    account
        The environment.
    function
        The function's name in the catalogue.
    document
        What it is told.
    seconds
        How long to wait: as long as the function may take. It is never called a second time.

    Raises
    ------
    FunctionBusy, FunctionFailed
        It does not run, or did not come to an end.
    Problem
        There is no such function.
    """
    client = account.client("lambda", read_timeout=seconds, retries={"total_max_attempts": 1})
    name = f"{account.prefix}{function.replace('_', '-')}"
    try:
        answer = client.invoke(
            FunctionName=name, Qualifier="live", Payload=json.dumps(document).encode()
        )
    except client.exceptions.ResourceNotFoundException:
        raise Problem(f"There is no function {name}: was this environment deployed?") from None
    except client.exceptions.TooManyRequestsException:
        raise FunctionBusy(name) from None
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        error = said if isinstance(said, dict) else {}
        raise FunctionFailed(str(error.get("errorMessage", said)), str(error.get("errorType", "")))
    return said
