"""`itemstream secrets` sees a rotation through, whatever becomes of it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from tools.cli import app
from tools.dead_letters import accounts
from tools.project import Problem
from tools.secrets import rotating
from tools.secrets.rotating import describe, rotate

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "itemstream-dev-token-signing"
NOW = dt.datetime(2026, 11, 21, 6, tzinfo=dt.UTC)


class RefusedError(ClientError):
    pass


class NotFoundError(ClientError):
    pass


class Exceptions:
    InvalidRequestException = RefusedError
    ResourceNotFoundException = NotFoundError


@dataclass
class SecretsManager:
    """Answers a rotation as a test says: labels of the new version, one after the other."""

    answers: list[list[str]]
    refusals: list[str] = field(default_factory=list)
    exceptions: type = Exceptions
    began: int = 0

    def rotate_secret(self, **request: str) -> dict[str, str]:
        assert request == {"SecretId": SECRET}
        if self.refusals:
            raise RefusedError({"Error": {"Message": self.refusals.pop(0)}}, "RotateSecret")
        self.began += 1
        return {"VersionId": "new"}

    def describe_secret(self, **request: str) -> dict[str, Any]:
        if request != {"SecretId": SECRET}:
            raise NotFoundError({}, "DescribeSecret")
        labels = self.answers.pop(0) if self.began and len(self.answers) > 1 else self.answers[0]
        return {
            "VersionIdsToStages": {"new": labels} if labels else {},
            "LastRotatedDate": NOW,
            "NextRotationDate": NOW + dt.timedelta(days=30),
        }


@dataclass
class Account:
    manager: SecretsManager
    prefix: str = "itemstream-dev-"
    place: str = "AWS"

    def client(self, service: str) -> SecretsManager:
        assert service == "secretsmanager"
        return self.manager


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited, which take no time."""
    waited: list[float] = []
    monkeypatch.setattr(rotating.time, "sleep", waited.append)
    monkeypatch.setattr(rotating.time, "monotonic", lambda: sum(waited))
    return waited


def rotated(manager: SecretsManager, reports: list[str] | None = None) -> str:
    report: Callable[[str], None] = (reports if reports is not None else []).append
    return rotate(Account(manager), "token_signing", report)  # type: ignore[arg-type]


def test_a_rotation_is_seen_through(waits: list[float]) -> None:
    # Given
    reports: list[str] = []
    manager = SecretsManager([["AWSPENDING"], ["AWSPENDING"], ["AWSCURRENT"]])

    # When
    assert rotated(manager, reports) == "new"

    # Then
    assert len(waits) == len(reports) == 2
    assert manager.began == 1


def test_a_rotation_from_before_is_waited_for(waits: list[float]) -> None:
    # Given
    message = "A previous rotation isn't complete. That rotation will be reattempted."
    manager = SecretsManager([["AWSCURRENT"]], refusals=[message, message])

    # When
    rotated(manager)

    # Then
    assert len(waits) == 2


def test_a_rotation_that_comes_to_no_end_is_told(waits: list[float]) -> None:
    with pytest.raises(Problem, match=r"not rotated after 300 s.*docs/runbooks/secret-rotation"):
        rotated(SecretsManager([["AWSPENDING"]]))


def test_a_rotation_that_somebody_gave_up_is_told(waits: list[float]) -> None:
    with pytest.raises(Problem, match="given up by somebody"):
        rotated(SecretsManager([["AWSPENDING"], []]))


def test_another_refusal_is_not_waited_for(waits: list[float]) -> None:
    with pytest.raises(RefusedError):
        rotated(SecretsManager([["AWSCURRENT"]], refusals=["No Lambda rotation function ARN"]))
    assert waits == []


def test_a_secret_that_there_is_not_is_told() -> None:
    with pytest.raises(Problem, match="no secret itemstream-dev-database at AWS"):
        describe(Account(SecretsManager([[]])), "database")  # type: ignore[arg-type]


def test_the_list_tells_what_is_not_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr(
        accounts, "open_account", lambda _: Account(SecretsManager([["AWSPENDING"]]))
    )
    monkeypatch.setattr(rotating, "ROTATED", ("token_signing",))

    # When
    shown = CliRunner().invoke(app, ["secrets", "list", "--json"])

    # Then
    assert json.loads(shown.stdout) == [
        {
            "name": "token_signing",
            "rotated_at": "2026-11-21T06:00:00+00:00",
            "next_at": "2026-12-21T06:00:00+00:00",
            "incomplete": True,
        }
    ]


def test_a_secret_that_is_not_rotated_is_told() -> None:
    shown = CliRunner().invoke(app, ["secrets", "rotate", "database_owner"])
    assert shown.exit_code == 2
    assert "use cursor_signing, database" in " ".join(shown.output.split())
