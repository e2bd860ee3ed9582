"""What people read of a check, and when a first check is tried again."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from tools.health import check, first_check, told
from tools.project import Problem

UP = {"state": "up", "reason": None}
DOWN = {"state": "down", "reason": "no answer within 3 s"}


class Account:
    """An account whose checker gives these answers, one after another."""

    prefix = "itemstream-test-"

    def __init__(self, *answers: dict[str, Any], error: str = "") -> None:
        self.answers, self.error = list(answers), error
        self.invoked: list[tuple[str, Any]] = []

    def client(self, service: str, **_: Any) -> Any:
        assert service == "lambda"
        return self

    class exceptions:  # noqa: N801 (as boto3 has it)
        ResourceNotFoundException = KeyError

    def invoke(self, **parameters: Any) -> dict[str, Any]:
        if self.error == "missing":
            raise KeyError
        name = f"{parameters['FunctionName']}:{parameters['Qualifier']}"
        self.invoked.append((name, json.loads(parameters["Payload"])))
        if self.error:
            document = {"errorMessage": self.error}
            return {
                "Payload": BytesIO(json.dumps(document).encode()),
                "FunctionError": "Unhandled",
            }
        return {"Payload": BytesIO(json.dumps({"parts": self.answers.pop(0)}).encode())}


def test_a_check_by_hand_is_one_of_the_clocks() -> None:
    account = Account({"s3": UP})
    assert check(account)["parts"] == {"s3": UP}  # type: ignore[arg-type]
    assert account.invoked == [("itemstream-test-health-checker:live", {"schedule": "health"})]


@pytest.mark.parametrize(
    ("error", "said"), [("missing", "was this environment deployed"), ("Task timed out", "timed")]
)
def test_a_checker_that_fails_is_a_problem(error: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        check(Account(error=error))  # type: ignore[arg-type]


def test_parts_that_are_not_up_are_named_with_their_reason() -> None:
    assert told({"parts": {"s3": UP, "sqs": UP}}) == "2 parts are up"
    parts = {"s3": UP, "mysql": DOWN, "rest": {"state": "degraded", "reason": "late"}}
    expected = "mysql is down (no answer within 3 s); rest is degraded (late)"
    assert told({"parts": parts}) == expected


def test_a_first_check_is_tried_again_while_something_is_slow_to_start() -> None:
    slow = Account({"rest": DOWN}, {"rest": UP}, {"rest": DOWN})
    assert first_check(slow) == "1 parts are up"  # type: ignore[arg-type]
    assert len(slow.invoked) == 2
    broken = Account(*[{"rest": DOWN}] * 3)
    assert first_check(broken) == "rest is down (no answer within 3 s)"  # type: ignore[arg-type]
    assert len(broken.invoked) == 3
