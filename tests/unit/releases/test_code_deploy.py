"""`itemstream deploy` where CodeDeploy moves the alias: what it is asked, how it is followed."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.fakes.releases import FakeEnvironment
from tools.project import Problem
from tools.releases.code_deploy import CodeDeploy
from tools.releases.deploying import deploy
from tools.releases.history import markdown, releases
from tools.releases.rolling_back import roll_back
from tools.releases.strategies import read_strategy
from tools.releases.versions import Versions

VERSIONS = Versions("get_item", "itemstream-test-get-item", "1", None, 0, ("1", "2"), "r")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> FakeEnvironment:
    environment = FakeEnvironment(endpoint=None)
    environment.codedeploy.application = "itemstream-test-functions"
    monkeypatch.setattr("tools.releases.deploying.chosen_functions", lambda _: ["get_item"])
    return environment


def status(status: str, **more: Any) -> dict[str, Any]:
    return {"status": status, **more}


def revision(target: str) -> dict[str, Any]:
    specification = {"Resources": [{"get_item": {"Properties": {"TargetVersion": target}}}]}
    return {"appSpecContent": {"content": json.dumps(specification)}}


def run(environment: FakeEnvironment) -> str:
    return deploy(environment, [], None, lambda _: None, lambda _: None)  # type: ignore[arg-type]


def application(call: dict[str, Any]) -> dict[str, Any]:
    [resource] = json.loads(call["revision"]["appSpecContent"]["content"])["Resources"]
    return dict(resource["get_item"]["Properties"])


def test_it_is_asked_to_move_the_alias_and_followed_to_the_end(
    environment: FakeEnvironment,
) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)
    environment.codedeploy.answers["d-1"] = [
        status("Created"),
        status("InProgress"),
        status("Succeeded"),
    ]

    # When
    told = run(environment)

    # Then
    [call] = environment.codedeploy.created
    assert call["deploymentGroupName"] == name
    assert "deploymentConfigName" not in call
    assert application(call) == {
        "Name": name,
        "Alias": "live",
        "CurrentVersion": "1",
        "TargetVersion": "2",
    }
    assert "get_item" in told
    assert environment.lambda_.moves == []
    assert releases(environment)[0].result == "succeeded"  # type: ignore[arg-type]


def test_what_an_alarm_has_stopped_is_followed_back(environment: FakeEnvironment) -> None:
    # Given
    environment.publish("get_item", 1, 2, live=1)
    error = {"code": "ALARM_ACTIVE", "message": "alarms: itemstream-test-get-item-canary"}
    back = {"rollbackDeploymentId": "d-9"}
    environment.codedeploy.answers = {
        "d-1": [status("Stopped", errorInformation=error, rollbackInfo=back)],
        "d-9": [status("InProgress"), status("Succeeded")],
    }

    # When
    with pytest.raises(Problem, match="rolled back: alarms: itemstream-test-get-item-canary"):
        run(environment)

    # Then
    assert environment.codedeploy.answers["d-9"] == [status("Succeeded")]


def test_its_way_back_is_waited_for(environment: FakeEnvironment) -> None:
    # Given a deployment that has ended while its version still gets calls
    name = environment.publish("get_item", 1, 2, live=1)
    alias = environment.lambda_.aliases[name]
    alias["RoutingConfig"] = {"AdditionalVersionWeights": {"2": 0.1}}
    stopped = status("Stopped", errorInformation={"code": "ALARM_ACTIVE", "message": "x-canary"})
    back = {"rollbackDeploymentId": "d-9"}
    environment.codedeploy.answers = {
        "d-1": [status("InProgress"), stopped, stopped, stopped | {"rollbackInfo": back}],
        "d-9": [status("InProgress"), status("Succeeded")],
    }

    # When
    with pytest.raises(Problem, match="rolled back: x-canary"):
        run(environment)

    # Then
    assert environment.codedeploy.answers["d-9"] == [status("Succeeded")]


def test_a_version_that_keeps_its_calls_was_not_taken_back(environment: FakeEnvironment) -> None:
    # Given a deployment that an alarm stops, and that never goes back
    name = environment.publish("get_item", 1, 2, live=1)
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    environment.lambda_.aliases[name]["RoutingConfig"] = weights
    error = {"code": "ALARM_ACTIVE", "message": "x-canary"}
    environment.codedeploy.answers["d-1"] = [status("Stopped", errorInformation=error)]

    # When
    with pytest.raises(Problem, match="get_item was not taken back: d-1 Stopped x-canary"):
        run(environment)

    # Then it is not tried again, and whoever takes it back needs no deployment
    with pytest.raises(Problem, match="2 was taken back before"):
        run(environment)
    told = roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]
    assert told == "live again: get_item 1"
    assert environment.lambda_.moves == [(name, "1", {})]
    assert len(environment.codedeploy.created) == 1


def test_one_that_cannot_be_begun_is_told_and_the_others_are_followed(
    environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(
        "tools.releases.deploying.chosen_functions", lambda _: ["create_item", "get_item"]
    )
    environment.codedeploy.refuses = {environment.publish("create_item", 1, 2, live=1)}
    environment.publish("get_item", 1, 2, live=1)
    environment.codedeploy.answers["d-1"] = [status("InProgress"), status("Succeeded")]

    # When
    with pytest.raises(Problem, match=r"create_item has failed: .*DeploymentLimitExceeded"):
        run(environment)

    # Then
    ends = {one.function: one.result for one in releases(environment)}  # type: ignore[arg-type]
    assert ends == {"create_item": "failed", "get_item": "succeeded"}

    # And the next run tries it again, alone
    environment.codedeploy.refuses.clear()
    environment.publish("get_item", 1, 2, live=2)
    environment.codedeploy.answers["d-2"] = [status("Succeeded")]
    run(environment)


def test_being_asked_too_often_ends_nothing(environment: FakeEnvironment) -> None:
    # Given
    environment.publish("get_item", 1, 2, live=1)
    environment.codedeploy.answers["d-1"] = [status("InProgress"), status("Succeeded")]
    environment.codedeploy.throttled = 3

    # When
    run(environment)

    # Then
    assert releases(environment)[0].result == "succeeded"  # type: ignore[arg-type]


def test_one_that_is_under_way_to_the_same_version_is_followed(
    environment: FakeEnvironment,
) -> None:
    # Given that the command was killed and CodeDeploy went on
    name = environment.publish("get_item", 1, 2, live=1)
    environment.codedeploy.under_way[name] = "d-7"
    environment.codedeploy.answers["d-7"] = [
        status("InProgress", revision=revision("2")),
        status("Succeeded"),
    ]

    # When
    run(environment)

    # Then
    assert environment.codedeploy.created == []


def test_one_to_another_version_stops_all_before_any_begins(
    environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(
        "tools.releases.deploying.chosen_functions", lambda _: ["create_item", "get_item"]
    )
    environment.publish("create_item", 1, 2, live=1)
    environment.codedeploy.under_way[environment.publish("get_item", 1, 3, live=1)] = "d-7"
    environment.codedeploy.answers["d-7"] = [status("InProgress")]

    # When
    with pytest.raises(Problem, match="Another deployment of get_item is under way"):
        run(environment)

    # Then
    assert environment.codedeploy.created == environment.written() == []


def test_a_strategy_that_it_does_not_know_stops_all_before_any_begins(
    environment: FakeEnvironment,
) -> None:
    # Given
    environment.publish("get_item", 1, 2, live=1)
    strategy = read_strategy("canary10percent40seconds")

    # When
    with pytest.raises(Problem, match="CodeDeploy has no configuration"):
        deploy(environment, [], strategy, lambda _: None, lambda _: None)  # type: ignore[arg-type]

    # Then
    assert environment.codedeploy.created == environment.written() == []


def test_the_history_knows_how_one_ended_that_nobody_followed(
    environment: FakeEnvironment,
) -> None:
    # Given
    environment.publish("get_item", 1, 2, live=1)
    environment.codedeploy.answers["d-1"] = [status("InProgress")]

    def killed(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(environment, [], None, lambda _: None, killed)  # type: ignore[arg-type]
    unended = markdown(releases(environment))  # type: ignore[arg-type]

    # When
    environment.codedeploy.answers["d-1"] = [status("Succeeded")]

    # Then
    assert "| 1 → 2 | the environment's | not ended | somebody |" in unended
    assert "| succeeded |" in markdown(releases(environment))  # type: ignore[arg-type]


def test_where_it_has_no_application_the_alias_moves_at_once(
    environment: FakeEnvironment,
) -> None:
    # Given an environment in which Terraform moves aliases
    environment.codedeploy.application = None
    name = environment.publish("get_item", 1, 2, live=1)

    # When
    run(environment)

    # Then
    assert environment.lambda_.moves == [(name, "2", {})]


def test_what_deployments_call_is_none_of_codedeploys(
    environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the function that applies migrations, before and beside those that need them
    monkeypatch.setattr(
        "tools.releases.deploying.chosen_functions", lambda _: ["get_item", "migrate"]
    )
    environment.publish("get_item", 1, 2, live=1)
    name = environment.publish("migrate", 1, 2, live=1)
    environment.codedeploy.answers["d-1"] = [status("Succeeded")]

    # When
    run(environment)

    # Then
    assert environment.lambda_.moves == [(name, "2", {})]
    assert len(environment.codedeploy.created) == 1
    roll_back(environment, ["migrate"], lambda _: None)  # type: ignore[arg-type]
    assert environment.lambda_.moves[-1] == (name, "1", {})


def test_rolling_back_is_a_deployment_that_no_alarm_stops(environment: FakeEnvironment) -> None:
    # Given
    environment.publish("get_item", 1, 2, live=2)
    environment.codedeploy.answers["d-1"] = [status("InProgress"), status("Succeeded")]

    # When
    roll_back(environment, ["get_item"], lambda _: None, lambda _: None)  # type: ignore[arg-type]

    # Then
    [call] = environment.codedeploy.created
    assert application(call)["TargetVersion"] == "1"
    assert call["deploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
    assert call["overrideAlarmConfiguration"] == {"enabled": False}


def test_rolling_back_ends_a_deployment_under_way(environment: FakeEnvironment) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=1)
    weights = {"AdditionalVersionWeights": {"2": 0.1}}
    environment.lambda_.aliases[name]["RoutingConfig"] = weights
    environment.codedeploy.under_way[name] = "d-7"
    back = {"rollbackDeploymentId": "d-8"}
    environment.codedeploy.answers = {
        "d-7": [
            status("InProgress", revision=revision("2")),
            status("Stopped", rollbackInfo=back),
        ],
        "d-8": [status("Succeeded")],
    }

    # When
    told = roll_back(environment, ["get_item"], lambda _: None, lambda _: None)  # type: ignore[arg-type]

    # Then
    assert environment.codedeploy.stopped == ["d-7"]
    assert environment.codedeploy.created == []
    assert told == "live again: get_item 1"


def test_rolling_back_does_not_stop_what_goes_back_already(environment: FakeEnvironment) -> None:
    # Given
    name = environment.publish("get_item", 1, 2, live=2)
    environment.codedeploy.under_way[name] = "d-7"
    environment.codedeploy.answers["d-7"] = [status("InProgress", revision=revision("1"))]

    # When
    with pytest.raises(Problem, match=r"get_item is being taken back already \(d-7\)"):
        roll_back(environment, ["get_item"], lambda _: None, lambda _: None)  # type: ignore[arg-type]

    # Then
    assert environment.codedeploy.stopped == environment.written() == []


def test_rolling_back_too_late_to_stop_a_deployment_is_told(environment: FakeEnvironment) -> None:
    # Given one that reaches all calls before it is stopped
    name = environment.publish("get_item", 1, 2, live=1)
    environment.codedeploy.under_way[name] = "d-7"
    environment.codedeploy.answers["d-7"] = [
        status("InProgress", revision=revision("2")),
        status("Succeeded"),
    ]

    # When
    with pytest.raises(Problem, match=r"get_item was not taken back.*run it again"):
        roll_back(environment, ["get_item"], lambda _: None)  # type: ignore[arg-type]

    # Then
    assert releases(environment)[0].result == "failed"  # type: ignore[arg-type]


def test_the_requests_are_such_as_codedeploy_takes() -> None:
    # Given the real client, which checks requests and answers against the service's model
    client = boto3.client(
        "codedeploy", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )

    class Account:
        prefix = "itemstream-test-"

        def client(self, _: str) -> Any:
            return client

    with Stubber(client) as stub:
        stub.add_response("get_application", {"application": {}})
        stub.add_response("list_deployments", {"deployments": []})
        stub.add_response("create_deployment", {"deploymentId": "d-1"})
        stub.add_response("stop_deployment", {"status": "Pending"})
        stub.add_response("get_deployment", {"deploymentInfo": {"status": "Succeeded"}})

        # When
        code_deploy = CodeDeploy(Account())  # type: ignore[arg-type]
        assert code_deploy.exists()
        assert code_deploy.found(VERSIONS) is None
        configuration = read_strategy("canary10percent5minutes").code_deploy
        deployment = code_deploy.begin(VERSIONS, "2", configuration, heed_alarms=False)
        outcome = code_deploy.stop(deployment.id, VERSIONS, "2").advance()

    # Then
    assert outcome is not None
    assert outcome.well
    stub.assert_no_pending_responses()
