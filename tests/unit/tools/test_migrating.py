"""`itemstream migrate`: what the function says, for people."""

from __future__ import annotations

import io
import json
from typing import Any
from unittest.mock import Mock

import pytest

from tools.migrating import migrate
from tools.project import Problem


class NotFoundError(Exception):
    """As botocore makes one for each client."""


def account(answer: Any, **more: Any) -> Mock:
    client = Mock()
    client.exceptions.ResourceNotFoundException = NotFoundError
    client.invoke.return_value = {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}
    found = Mock(prefix="itemstream-trial-")
    found.client.return_value = client
    return found


@pytest.mark.parametrize(
    ("applied", "said"),
    [(["0001_a", "0002_b"], "applied 0001_a, 0002_b"), ([], "2 applied before")],
)
def test_what_was_applied_is_said(applied: list[str], said: str) -> None:
    # Given
    trial = account({"applied": applied, "migrations": 2, "user": "kept"})

    # When, then
    assert migrate(trial) == said
    (call,) = trial.client.return_value.invoke.mock_calls
    assert call.kwargs["FunctionName"] == "itemstream-trial-migrate"
    assert call.kwargs["Qualifier"] == "live"


def test_a_refusal_is_a_problem_in_its_own_words() -> None:
    failed = {"errorMessage": "0001_a was changed after it was applied", "stackTrace": ["x"]}
    with pytest.raises(Problem, match="not brought up to date: 0001_a was changed"):
        migrate(account(failed, FunctionError="Unhandled"))


def test_an_environment_without_the_function_is_a_problem() -> None:
    # Given
    trial = account({})
    trial.client.return_value.invoke.side_effect = NotFoundError()

    # When, then
    with pytest.raises(Problem, match="itemstream-trial-migrate: was this environment deployed"):
        migrate(trial)
