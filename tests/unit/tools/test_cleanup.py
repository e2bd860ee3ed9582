"""`itemstream cleanup`: how the function is called, and what is said of its account."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.cleanup.commands import run_cleanup, show
from tools.progress import console
from tools.project import Problem

TASK = {"found": 9, "removed": 7, "kept": 1, "errors": 1, "done": True, "fault": None}
RUN = {
    "id": "1",
    "dry_run": True,
    "tasks": {
        "tickets": TASK,
        "bronze": {**TASK, "done": False},
        "uploads": {**TASK, "done": False, "fault": "NoSuchBucket"},
    },
}


class Account:
    """An account whose Lambda answers as it is told."""

    prefix = "itemstream-test-"

    class exceptions:  # noqa: N801 - as in botocore
        ResourceNotFoundException = LookupError
        TooManyRequestsException = ClientError

    def __init__(self, answer: dict[str, Any] | ClientError) -> None:
        self.answer = answer
        self.calls: list[dict[str, Any]] = []

    def client(self, service: str, **settings: Any) -> Account:
        # An invocation takes a quarter of an hour, and must not be begun a second time.
        assert settings["read_timeout"] > 900
        assert settings["retries"] == {"total_max_attempts": 1}
        return self

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if isinstance(self.answer, ClientError):
            raise self.answer
        return self.answer


def payload(document: Any) -> dict[str, Any]:
    return {"Payload": BytesIO(json.dumps(document).encode())}


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_function_is_called_as_its_schedule_would(dry_run: bool) -> None:
    # Given
    account = Account(payload(RUN))

    # When
    run = run_cleanup(account, dry_run=dry_run)  # type: ignore[arg-type]

    # Then
    assert run == RUN
    (call,) = account.calls
    assert (call["FunctionName"], call["Qualifier"]) == ("itemstream-test-cleanup-job", "live")
    assert json.loads(call["Payload"]) == {"schedule": "cleanup", "input": {"dry_run": dry_run}}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), "running already"),
        ({"FunctionError": "Unhandled", **payload({"errorType": "KeyError"})}, "KeyError"),
        (payload(None), "no account"),
    ],
)
def test_what_went_wrong_is_said(answer: Any, said: str) -> None:
    with pytest.raises(Problem, match=said):
        run_cleanup(Account(answer), dry_run=False)  # type: ignore[arg-type]


def test_the_account_is_a_table() -> None:
    # When
    with console.capture() as captured:
        show(RUN)

    # Then
    lines = [line.split() for line in captured.get().splitlines()]
    assert ["tickets", "9", "7", "1", "1"] in lines
    assert ["bronze", "9", "7", "1", "1", "goes", "on"] in lines
    assert ["uploads", "9", "7", "1", "1", "stopped", "by", "NoSuchBucket"] in lines
    assert "nothing was removed" in " ".join(captured.get().split())
