"""Strategies: their steps, and what CodeDeploy calls them."""

from __future__ import annotations

import pytest

from tools.project import ROOT, Problem
from tools.releases.strategies import Step, read_strategy


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("all_at_once", ()),
        ("canary10percent5minutes", (Step(0.1, 300),)),
        ("canary25percent40seconds", (Step(0.25, 40),)),
        ("linear40percentevery1minute", (Step(0.4, 60), Step(0.8, 60))),
        ("linear50percentevery2minutes", (Step(0.5, 120),)),
    ],
)
def test_a_strategys_name_says_its_steps(name: str, steps: tuple[Step, ...]) -> None:
    assert read_strategy(name).steps == steps


@pytest.mark.parametrize(
    "name", ["", "canary", "canary0percent5minutes", "linear10percent", "fast"]
)
def test_another_name_is_a_problem_that_names_those_there_are(name: str) -> None:
    with pytest.raises(Problem, match="canary10percent5minutes"):
        read_strategy(name)


def test_codedeploy_knows_the_common_ones() -> None:
    configuration = read_strategy("canary10percent5minutes").code_deploy
    assert configuration == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    with pytest.raises(Problem, match="linear10percentevery1minute"):
        _ = read_strategy("canary10percent40seconds").code_deploy


def test_terraform_knows_the_same() -> None:
    # Given what a deployment may be by terraform/variables.tf
    text = (ROOT / "terraform/variables.tf").read_text()
    listed = text.partition("condition = contains([")[2].partition("]")[0]
    names = [
        name.strip().strip('"') for name in listed.replace("\n", " ").split(",") if name.strip()
    ]
    assert "linear10percentevery10minutes" in names

    # Then CodeDeploy has each
    assert all(read_strategy(name).code_deploy for name in names)


def test_an_interrupted_one_goes_on_from_its_share() -> None:
    strategy = read_strategy("linear25percentevery1minute")
    assert strategy.after(0) == strategy.steps
    assert [step.share for step in strategy.after(0.5)] == [0.5, 0.75]
