"""A stand-in for the Lambda host: functions are what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable  # noqa: TC003 (a dataclass's field)
from dataclasses import dataclass, field
from typing import Any

# What the stand-in answers: status, headers, body.
HostAnswer = tuple[int, dict[str, str], bytes]


class FunctionError(Exception):
    """What a test's function raises to fail as a function does."""


class Throttled(Exception):  # noqa: N818 (it is no error of the function)
    """What a test's function raises to be refused for want of concurrency."""


@dataclass
class StandIn:
    """Answers invocations as the test says, and keeps what it was sent.

    `functions` holds what functions of a name do with their event; `answer` is for all others.
    With `hangs_up` it ends each connection after its answer, as a host that is started again.
    """

    answer: Callable[[], HostAnswer] = lambda: (200, {}, b"null")
    invocations: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    functions: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    url: str = ""
    hangs_up: bool = False
    hung_up: int = 0

    def invoke(self, headers: dict[str, str], event: Any) -> HostAnswer:
        """Keep an invocation and answer it."""
        self.invocations.append((headers, event))
        function = self.functions.get(headers["X-Amzn-Lambda-Function-Name"])
        if function is None:
            return self.answer()
        try:
            return 200, {}, json.dumps(function(event)).encode()
        except FunctionError as error:
            document = {"errorMessage": str(error), "errorType": "FunctionError"}
            return 200, {"X-Amz-Function-Error": "Unhandled"}, json.dumps(document).encode()
        except Throttled:
            document = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
            return 429, {}, json.dumps(document).encode()

    def answers(self, payload: Any, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = lambda: (status, named, json.dumps(payload).encode())

    @property
    def last_event(self) -> Any:
        return self.invocations[-1][1]
