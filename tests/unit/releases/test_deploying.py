"""`itemstream deploy` where there is no CodeDeploy: steps, alarms, interruptions, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.releases import FakeEnvironment
from tools.project import Problem
from tools.releases import shifting
from tools.releases.deploying import deploy
from tools.releases.history import releases
from tools.releases.rolling_back import roll_back
from tools.releases.strategies import read_strategy

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = read_strategy("canary10percent1minute")


class Clock:
    """Time that passes when somebody waits, and what happens meanwhile."""

    def __init__(self, happens: Callable[[float], None] = lambda _: None) -> None:
        self.now, self.happens = 0.0, happens

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.happens(self.now)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> FakeEnvironment:
    environment = FakeEnvironment()
    monkeypatch.setattr(
        "tools.releases.deploying.chosen_functions", lambda names: list(names) or ["get_item"]
    )
    monkeypatch.setattr("tools.releases.rolling_back.chosen_functions", list)
    return environment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(shifting.Shift.__init__, "__defaults__", (clock,))
    return clock


def run(environment: FakeEnvironment, clock: Clock, *names: str, strategy: object = CANARY) -> str:
    return deploy(environment, names, strategy, lambda _: None, clock.pause)  # type: ignore[arg-type]


def test_a_tenth_of_the_calls_goes_to_the_new_version_and_then_all(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)

    # When
    told = run(environment, clock)

    # Then
    assert environment.lambda_.moves == [(name, "1", {"2": 0.1}), (name, "2", {})]
    assert 60 <= clock.now < 65
    assert "get_item" in told
    [release] = releases(environment)  # type: ignore[arg-type]
    assert (release.before, release.after, release.result) == ("1", "2", "succeeded")
    assert release.who.endswith("somebody")


def test_an_alarm_takes_the_new_version_back_and_is_named(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given an alarm that fires while the canary is out
    name = environment.publish("get_item", 1, 2, live=1)
    clock.happens = lambda now: environment.cloudwatch.states.update(
        {f"{name}-canary": "ALARM" if now >= 20 else "OK"}
    )

    # When
    with pytest.raises(Problem, match=f"rolled back: {name}-canary"):
        run(environment, clock)

    # Then
    assert environment.lambda_.moves == [(name, "1", {"2": 0.1}), (name, "1", {})]
    assert clock.now < 25
    assert releases(environment)[0].result == "rolled back"  # type: ignore[arg-type]


def test_a_version_that_was_taken_back_is_not_tried_again_unless_named(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)
    clock.happens = lambda now: environment.cloudwatch.states.update(
        {f"{name}-canary-duration": "ALARM" if 1 <= now < 3 else "OK"}
    )
    with pytest.raises(Problem):
        run(environment, clock)
    environment.lambda_.moves.clear()

    # When it is deployed with all others
    with pytest.raises(Problem, match="itemstream deploy get_item"):
        run(environment, clock)

    # Then
    assert environment.lambda_.moves == []
    run(environment, clock, "get_item")
    assert environment.lambda_.aliases[name]["FunctionVersion"] == "2"


def test_what_is_live_already_is_said_and_left_alone(
    environment: FakeEnvironment, clock: Clock
) -> None:
    environment.publish("get_item", 1, 2, live=2)
    assert "already: get_item 2" in run(environment, clock, "get_item")
    assert "every function" in run(environment, clock)
    assert environment.lambda_.moves == environment.written() == []


def test_an_interrupted_deployment_goes_on(environment: FakeEnvironment, clock: Clock) -> None:
    # Given a deployment that is killed half way
    name = environment.publish("get_item", 1, 2, live=1)

    def kill(now: float) -> None:
        if now == 30:
            raise KeyboardInterrupt

    clock.happens = kill
    with pytest.raises(KeyboardInterrupt):
        run(environment, clock)
    assert environment.lambda_.aliases[name]["RoutingConfig"]

    # When
    clock.happens = lambda _: None
    run(environment, clock)

    # Then
    assert environment.lambda_.moves[-1] == (name, "2", {})
    assert [r.result for r in releases(environment)] == ["not ended", "succeeded"]  # type: ignore[arg-type]


def test_somebody_else_who_takes_the_weight_away_is_not_overruled(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)

    def take_away(now: float) -> None:
        if now == 10:
            roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]

    clock.happens = take_away

    # When
    with pytest.raises(Problem, match="stopped: somebody else moved the alias"):
        run(environment, clock)

    # Then
    assert environment.lambda_.aliases[name]["FunctionVersion"] == "1"
    assert environment.lambda_.moves[-1] == (name, "1", {})

    # And what was taken away is not tried again
    with pytest.raises(Problem, match="stays at version 1: 2 was taken back before"):
        run(environment, clock)
    assert environment.lambda_.moves[-1] == (name, "1", {})


@pytest.mark.parametrize(
    ("state", "told"),
    [("INSUFFICIENT_DATA", "without data.*get-item-canary"), ("ALARM", "fire before.*get-item")],
)
def test_an_alarm_without_data_or_that_fires_stops_a_deployment_before_it_begins(
    environment: FakeEnvironment, clock: Clock, state: str, told: str
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)
    environment.cloudwatch.states[f"{name}-canary"] = state

    # When
    with pytest.raises(Problem, match=told):
        run(environment, clock)

    # Then
    assert environment.lambda_.moves == environment.written() == []

    # And when it is OK, it goes on
    environment.cloudwatch.states[f"{name}-canary"] = "OK"
    run(environment, clock)
    assert environment.lambda_.aliases[name]["FunctionVersion"] == "2"


def test_what_the_live_version_does_wrong_does_not_keep_its_cure_away(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given a live version that is slow and uses up what the function may have
    name = environment.publish("get_item", 1, 2, live=1)
    environment.cloudwatch.states |= {f"{name}-duration": "ALARM", f"{name}-throttles": "ALARM"}

    # When
    run(environment, clock)

    # Then
    assert environment.lambda_.aliases[name]["FunctionVersion"] == "2"


def test_a_new_alarm_is_given_time(environment: FakeEnvironment, clock: Clock) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)
    environment.cloudwatch.states[f"{name}-canary"] = "INSUFFICIENT_DATA"
    clock.happens = lambda now: environment.cloudwatch.states.update(
        {f"{name}-canary": "OK" if now > 50 else "INSUFFICIENT_DATA"}
    )

    # When
    run(environment, clock)

    # Then
    assert environment.lambda_.aliases[name]["FunctionVersion"] == "2"


def test_an_alarm_that_is_missing_or_watches_another_version_stops_it(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)
    environment.cloudwatch.watched[f"{name}-canary-duration"] = "1"

    # Then
    with pytest.raises(Problem, match="canary-duration watches version 1, and 2"):
        run(environment, clock)
    del environment.cloudwatch.states[f"{name}-canary"]
    with pytest.raises(Problem, match=f"no alarm {name}-canary"):
        run(environment, clock)
    assert environment.lambda_.moves == []


def test_a_newer_version_waits_for_the_end_of_the_one_that_is_tried(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, 3, live=1)
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    environment.lambda_.aliases[name]["RoutingConfig"] = weights

    # Then
    with pytest.raises(Problem, match="itemstream rollback get_item"):
        run(environment, clock)
    assert environment.lambda_.moves == []


def test_a_function_that_was_never_deployed_is_a_problem(
    environment: FakeEnvironment, clock: Clock
) -> None:
    with pytest.raises(Problem, match="apply Terraform to test"):
        run(environment, clock, "update_item")


def test_an_unknown_function_is_a_problem_that_names_those_there_are() -> None:
    with pytest.raises(Problem, match=r"no function get_itme\b.*get_item"):
        deploy(FakeEnvironment(), ["get_itme"], None, lambda _: None)  # type: ignore[arg-type]


def test_rolling_back_goes_to_the_version_that_was_live_before(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given that version 2 was skipped
    name = environment.publish("get_item", 1, 2, 3, live=1)
    run(environment, clock)

    # When
    told = roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]

    # Then
    assert environment.lambda_.moves[-1] == (name, "1", {})
    assert told == "live again: get_item 1"
    with pytest.raises(Problem, match="3 was taken back before"):
        run(environment, clock)


def test_rolling_back_twice_goes_to_no_version_that_was_taken_back(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given versions 2, that an alarm took back, and 3, that was taken back by hand
    name = environment.publish("get_item", 1, 2, live=1)
    clock.happens = lambda now: environment.cloudwatch.states.update(
        {f"{name}-canary": "ALARM" if 1 <= now < 3 else "OK"}
    )
    with pytest.raises(Problem, match="rolled back"):
        run(environment, clock)
    environment.lambda_.versions[name] = [1, 2, 3]
    environment.watch(name, "3")
    run(environment, clock)
    roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]
    environment.lambda_.moves.clear()

    # When
    with pytest.raises(Problem, match="no version before 1"):
        roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]

    # Then
    assert environment.lambda_.moves == []
    with pytest.raises(Problem, match="3 was taken back before"):
        run(environment, clock)


def test_rolling_back_twice_may_go_to_an_older_good_version(
    environment: FakeEnvironment, clock: Clock
) -> None:
    # Given three good versions
    name = environment.publish("get_item", 1, 2, live=1)
    run(environment, clock)
    environment.lambda_.versions[name] = [1, 2, 3]
    environment.watch(name, "3")
    run(environment, clock)

    # When
    for _ in range(2):
        roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]

    # Then
    assert environment.lambda_.moves[-2:] == [(name, "2", {}), (name, "1", {})]


def test_rolling_back_without_a_version_before_changes_nothing(
    environment: FakeEnvironment,
) -> None:
    environment.publish("get_item", 1, live=1)
    with pytest.raises(Problem, match="no version before 1"):
        roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]
    assert environment.lambda_.moves == environment.written() == []
