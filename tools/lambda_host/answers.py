"""The answers Lambda gives to an invocation, word for word."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.lambda_host.limits import REQUEST_BYTES, RESPONSE_BYTES


@dataclass(frozen=True)
class Answer:
    """What an invocation came to.

    Attributes
    ----------
    payload
        The JSON document for the caller.
    error_type
        Lambda's name of the function error; None for success.
    log
        The line Lambda itself writes to the function's log about it, if any.
    """

    payload: bytes
    error_type: str | None = None
    log: str | None = None

    @property
    def status(self) -> str | None:
        """The ``Status`` of the invocation's REPORT line; only failures of the sandbox have one."""
        if self.log is None:
            return None
        return "timeout" if self.error_type == "Sandbox.Timedout" else "error"


def reported(payload: bytes) -> Answer:
    """Answer with the error document that the runtime client reported."""
    try:
        error_type = json.loads(payload)["errorType"]
    except (ValueError, TypeError, KeyError):
        error_type = "Unhandled"
    return Answer(payload, str(error_type) or "Unhandled")


def timed_out(request_id: str, seconds: int) -> Answer:
    """Answer for a function that was still running at its time-out."""
    problem = f"Task timed out after {seconds}.00 seconds"
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _failure(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: {problem}",
        log=f"{now} {request_id} {problem}\n",
    )


def exited(request_id: str, returncode: int) -> Answer:
    """Answer for a process that ended instead of answering.

    The wording of signals is that of Go's ``os.ProcessState``, which Lambda's own supervisor
    prints (https://github.com/aws/aws-lambda-runtime-interface-emulator).
    """
    if returncode < 0:
        reason = f"exited with error: signal: {(signal.strsignal(-returncode) or '').lower()}"
    elif returncode > 0:
        reason = f"exited with error: exit status {returncode}"
    else:
        reason = "exited without providing a reason"
    message = f"RequestId: {request_id} Error: Runtime {reason}"
    return _failure("Runtime.ExitError", message, log=f"{message}\nRuntime.ExitError")


def response_too_large() -> Answer:
    """Answer for a function whose own answer is over 6 MB."""
    message = (
        f"Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes)."
    )
    return _failure("Function.ResponseSizeTooLarge", message)


def _failure(error_type: str, message: str, log: str | None = None) -> Answer:
    document = {"errorType": error_type, "errorMessage": message}
    return Answer(json.dumps(document).encode(), error_type, log)


class InvokeError(Exception):
    """An invocation that Lambda refuses before a function runs.

    Attributes
    ----------
    status
        HTTP status of the Invoke API.
    code
        Name of the error, for the header ``x-amzn-ErrorType``.
    """

    status = 500
    code = "ServiceException"

    def document(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"Type": "Service", "Message": str(self)}


class FunctionNotFoundError(InvokeError):
    """There is no such function or version."""

    status = 404
    code = "ResourceNotFoundException"

    def document(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"Type": "User", "Message": str(self)}


class RequestTooLargeError(InvokeError):
    """The event is over 6 MB."""

    status = 413
    code = "RequestEntityTooLargeException"

    def __init__(self) -> None:
        super().__init__(
            f"Request must be smaller than {REQUEST_BYTES} bytes for the InvokeFunction operation"
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"Type": "User", "message": str(self)}


class ThrottledError(InvokeError):
    """There is no execution environment to spare.

    Parameters
    ----------
    reason
        Which limit was reached, by the names of the Invoke API.
    """

    status = 429
    code = "TooManyRequestsException"

    def __init__(self, reason: str) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason

    def document(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"Type": "User", "Reason": self.reason, "message": str(self)}


FUNCTION_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"
HOST_LIMIT = "ConcurrentInvocationLimitExceeded"
