"""What an account is prepared for, and what people then set in GitHub."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tools.infrastructure import bootstrapping
from tools.infrastructure.bootstrapping import (
    account_settings,
    tell_what_to_protect,
    tell_what_to_set,
)
from tools.infrastructure.plan_summary import PlanSummary
from tools.infrastructure.root import TERRAFORM
from tools.progress import Progress
from tools.project import Problem

if TYPE_CHECKING:
    from tools.infrastructure.signing_in import SignedIn

OUTPUTS = {
    "roles": {
        "plan": "arn:plan",
        "push": "arn:push",
        "deploy": {"dev": "arn:dev", "prod": "arn:prod", "staging": "arn:staging"},
    }
}


def test_an_account_has_all_environments_unless_some_are_chosen() -> None:
    everything = account_settings("acme/itemstream", [])["environments"]
    assert sorted(everything) == ["dev", "prod", "staging"]
    assert list(account_settings("acme/itemstream", ["prod"])["environments"]) == ["prod"]


def test_only_developers_environment_has_previews_and_may_be_destroyed() -> None:
    found = account_settings("acme/itemstream", [])["environments"]
    assert {name for name, each in found.items() if each["copies"] or each["may_destroy"]} == {
        "dev"
    }
    assert found["dev"]["github_environments"] == ["dev", "preview"]


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(Problem, match="no environment local: use dev, prod, staging"):
        account_settings("acme/itemstream", ["local"])


@pytest.mark.parametrize(
    "address",
    [
        "git@github.com:acme/itemstream.git",
        "https://github.com/acme/itemstream",
        "ssh://git@github.com/acme/itemstream.git",
    ],
)
def test_the_repository_is_that_of_origin(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrapping, "run", lambda _: f"{address}\n")
    assert bootstrapping._origin() == "acme/itemstream"


def test_without_an_origin_on_github_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrapping, "run", lambda _: "/somewhere/else\n")
    with pytest.raises(Problem, match="--repository organisation/name"):
        bootstrapping._origin()


@pytest.mark.parametrize(("tags", "made"), [([], False), ([("Project", "itemstream")], True)])
def test_githubs_provider_is_made_unless_somebody_else_made_it(
    caller: SignedIn, tags: list[tuple[str, str]], *, made: bool
) -> None:
    # Given an account without it
    assert bootstrapping._makes_identity_provider(caller)

    # When there is one
    caller.client("iam").create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com",
        ClientIDList=["sts.amazonaws.com"],
        ThumbprintList=["0" * 40],
        Tags=[{"Key": key, "Value": value} for key, value in tags],
    )

    # Then it is ours to keep only if it is ours
    assert bootstrapping._makes_identity_provider(caller) is made


def test_each_variable_of_github_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell_what_to_set(OUTPUTS, "eu-central-1")
    told = capsys.readouterr().out
    for line in (
        "AWS_REGION eu-central-1",
        "AWS_PLAN_ROLE arn:plan",
        "images: AWS_PUSH_ROLE arn:push",
        "dev: AWS_DEPLOY_ROLE arn:dev",
        "preview: AWS_DEPLOY_ROLE arn:dev",
        "preview: AWS_PUSH_ROLE arn:push",
        "prod: AWS_DEPLOY_ROLE arn:prod",
    ):
        assert line in told


def test_an_account_of_one_environment_has_a_role_of_its_own_that_plans(
    capsys: pytest.CaptureFixture[str],
) -> None:
    roles = {**OUTPUTS["roles"], "deploy": {"prod": "arn:prod"}}
    tell_what_to_set({"roles": roles}, "eu-central-1")
    assert "AWS_PLAN_ROLE_PROD arn:plan" in capsys.readouterr().out


def test_what_the_roles_trust_is_to_be_protected_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given every environment of GitHub's that a role trusts
    tell_what_to_protect(account_settings("acme/itemstream", [])["environments"])
    told = capsys.readouterr().err
    trusted = set(
        re.findall(r":environment:(\w+)", (TERRAFORM / "bootstrap/identity.tf").read_text())
    )

    # Then each is named
    assert trusted == {"plan", "images", "preview"}
    for name in (*trusted, "dev", "staging", "prod"):
        assert re.search(rf"\b{name}\b", told)
    assert "prod, plan, preview: required reviewers" in told


class Root:
    """A root with something to make, which nobody may make."""

    def initialise(self) -> None:
        """Be ready."""

    def plan(self) -> PlanSummary:
        return PlanSummary(created=["aws_s3_bucket.state"])

    def apply(self, report: object) -> str:
        raise AssertionError


def test_who_declines_changes_nothing(caller: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr(bootstrapping, "sign_in", lambda: caller)
    monkeypatch.setattr(bootstrapping, "concurrency_advice", lambda _: None)  # moto has no quotas
    monkeypatch.setattr(bootstrapping.BootstrapRoot, "of", lambda *_: Root())
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)

    # Then
    with pytest.raises(Problem, match="Nothing was changed"):
        bootstrapping.bootstrap("acme/itemstream", [], [], Progress(), ask=True)
