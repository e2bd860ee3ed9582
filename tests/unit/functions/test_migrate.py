"""The function that deployments invoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itemstream.mysql.migrating import MigrationRefused
from itemstream.mysql.owner import Outcome
from tests.fakes.gateway import LambdaContext

if TYPE_CHECKING:
    from collections.abc import Callable


def test_it_answers_what_it_did(
    load: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    function = load("scheduled.migrate")
    monkeypatch.setattr(function, "bring_up_to_date", lambda: Outcome(["0001_reports"], 1, "made"))

    # When
    answer = function.handler({}, LambdaContext())

    # Then
    assert answer == {"applied": ["0001_reports"], "migrations": 1, "user": "made"}
    assert [line["applied"] for line in log() if "applied" in line] == [["0001_reports"]]


def test_a_refusal_fails_the_deployment_and_is_logged(
    load: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    function = load("scheduled.migrate")

    def refuse() -> None:
        raise MigrationRefused("0001_reports was changed")

    monkeypatch.setattr(function, "bring_up_to_date", refuse)

    # When, then
    with pytest.raises(MigrationRefused):
        function.handler({}, LambdaContext())
    assert [line["reason"] for line in log() if "reason" in line] == ["0001_reports was changed"]
