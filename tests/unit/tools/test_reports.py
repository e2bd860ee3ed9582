"""`itemstream reports rebuild`: a function is asked for step after step, and heard."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tools.cli import app
from tools.dead_letters import accounts
from tools.project import Problem
from tools.reports import rebuilding

if TYPE_CHECKING:
    from collections.abc import Callable


class Throttled(Exception):  # noqa: N818
    """Somebody else's rebuild is running."""


class Missing(Exception):  # noqa: N818
    """There is no such function."""


class FakeLambda:
    """Two tenants, each task of two steps; notes what it is asked, and fails as it is told."""

    class exceptions:  # noqa: N801 - as in botocore
        ResourceNotFoundException = Missing
        TooManyRequestsException = Throttled

    def __init__(self) -> None:
        self.orders: list[tuple[str, str, Any]] = []
        self.failures: list[Any] = []
        self.lost = 0

    def invoke(self, *, FunctionName: str, Payload: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "itemstream-local-rebuild-reports"
        order = json.loads(Payload)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return {"Payload": io.BytesIO(json.dumps(failure).encode()), "FunctionError": "x"}
        self.orders.append((order["task"], order["tenant"], order["position"]))
        more = order["task"] not in ("tenants", "losses") and order["position"] is None
        losses = {"changes": self.lost, "deleted_items": 0, "kept_from": "2026-11-06T00:00:00Z"}
        step = {
            "position": {"at": 1} if more else None,
            "records": 5,
            "refused": 1 if order["task"] == "calls" else 0,
            "reasons": ["no row of silver"] if order["task"] == "calls" else [],
            "answer": {"tenants": ["b", "a"], "losses": losses}.get(order["task"]),
        }
        return {"Payload": io.BytesIO(json.dumps(step).encode())}

    @property
    def begun(self) -> list[tuple[str, str]]:
        return [(task, tenant) for task, tenant, position in self.orders if position is None]


class FakeAccount:
    place = "here"
    prefix = "itemstream-local-"

    def __init__(self, client: FakeLambda) -> None:
        self._client = client

    def client(self, service: str, **_: Any) -> FakeLambda:
        assert service == "lambda"
        return self._client


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> FakeLambda:
    client = FakeLambda()
    monkeypatch.setattr(accounts, "open_account", lambda _: FakeAccount(client))
    monkeypatch.setattr(rebuilding.time, "sleep", lambda _: None)
    return client


@pytest.fixture
def rebuild(function: FakeLambda) -> Callable[..., Any]:
    return lambda *options: CliRunner().invoke(app, ["reports", "rebuild", *options])


def test_every_tenant_is_projected_and_calls_once_for_all(
    function: FakeLambda, rebuild: Callable[..., Any]
) -> None:
    # When
    done = rebuild()

    # Then
    assert done.exit_code == 0, done.output
    assert function.begun == [
        ("tenants", ""),
        *[("events", "a"), ("events", "b"), ("items", "a"), ("items", "b")],
        ("calls", ""),
    ]
    assert ("events", "a", {"at": 1}) in function.orders


def test_one_tenant_is_rebuilt_alone(function: FakeLambda, rebuild: Callable[..., Any]) -> None:
    assert rebuild("--tenant", "a").exit_code == 0
    assert function.begun == [("events", "a"), ("items", "a"), ("calls", "a")]


def test_nothing_is_emptied_where_nobody_can_be_asked(
    function: FakeLambda, rebuild: Callable[..., Any]
) -> None:
    # When
    done = rebuild("--from-nothing")

    # Then
    assert isinstance(done.exception, Problem)
    assert "--yes" in str(done.exception)
    assert {task for task, _ in function.begun} == {"tenants", "losses"}


def test_all_is_emptied_before_anything_is_projected(
    function: FakeLambda, rebuild: Callable[..., Any]
) -> None:
    # When
    done = rebuild("--from-nothing", "--yes")

    # Then
    assert done.exit_code == 0, done.output
    tasks = [task for task, _ in function.begun]
    of_each = [task for task in ("losses", "empty", "events", "items") for _ in "ab"]
    assert tasks == ["tenants", *of_each, "calls"]


def test_it_says_what_would_be_lost(function: FakeLambda) -> None:
    function.lost = 7
    said = rebuilding.Rebuild(FakeAccount(function)).losses(["a"], lambda _: None)  # type: ignore[arg-type]
    assert "a: 7 changes and 0 deleted items from before 2026-11-06T00:00:00Z" in said


def test_a_step_that_fails_is_asked_for_again(
    function: FakeLambda, rebuild: Callable[..., Any]
) -> None:
    function.failures = [{"errorMessage": "MySQL is not available"}, Throttled()]
    assert rebuild("--tenant", "a").exit_code == 0


def test_a_step_that_goes_on_failing_says_why_and_what_to_do(
    function: FakeLambda, rebuild: Callable[..., Any]
) -> None:
    # Given
    function.failures = [{"errorMessage": "MySQL is not available"}] * 5

    # When
    done = rebuild("--tenant", "a")

    # Then
    assert isinstance(done.exception, Problem)
    assert "MySQL is not available. Run the command again" in str(done.exception)


def test_an_environment_without_the_function_is_named(
    function: FakeLambda, rebuild: Callable[..., Any]
) -> None:
    function.failures = [Missing()]
    done = rebuild("--tenant", "a")
    assert "was this environment deployed?" in str(done.exception)


def test_what_cannot_be_projected_is_counted_by_its_reason(function: FakeLambda) -> None:
    run = rebuilding.Rebuild(FakeAccount(function))  # type: ignore[arg-type]
    run.run("calls", [""], lambda _: None)
    assert run.refused == Counter({"no row of silver": 2})
