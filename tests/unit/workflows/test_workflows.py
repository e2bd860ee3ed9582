"""What every workflow keeps to, beyond what zizmor and actionlint ask of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tools.project import ROOT
from tools.workflows.steps import GITHUB, action_files, read, steps, workflow_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = [*workflow_files(), *action_files()]
# At most what it takes; a job that needs more says so, with a reason.
LONGEST_JOB = 120
# A role is named by a variable of GitHub's, or by who calls and has it from there.
ROLE = re.compile(r"(inputs|matrix)\.plan_role|vars\.AWS_\w*ROLE\w*( \|\| vars\.AWS_\w*ROLE)?")

every_workflow = pytest.mark.parametrize("file", workflow_files(), ids=lambda file: file.stem)
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(GITHUB)))


def test_there_is_one_for_each_occasion() -> None:
    names = {file.stem for file in workflow_files()}
    assert names >= {"pull-request", "main", "nightly", "preview", "destroy"}


@every_file
def test_actions_are_pinned_to_a_commit_that_says_its_version(file: Path) -> None:
    lines = re.findall(r"uses: (.+)", file.read_text())
    foreign = [line for line in lines if not line.startswith("./")]
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+( # zizmor: .+)?")
    assert [line for line in foreign if not pinned.fullmatch(line)] == []


def test_an_action_is_the_same_commit_everywhere() -> None:
    commits: dict[str, set[str]] = {}
    for file in FILES:
        for action, commit in re.findall(r"uses: ([\w./-]+)@(\S+)", file.read_text()):
            commits.setdefault(action, set()).add(commit)
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


@every_file
def test_what_is_called_here_is_here(file: Path) -> None:
    called = [step.uses for step in steps(file) if step.uses.startswith("./")]
    missing = [
        name
        for name in called
        if not (ROOT / name).is_file() and not (ROOT / name / "action.yml").is_file()
    ]
    assert missing == []


def calls() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each job that calls a workflow of ours, and the workflow."""
    for file in workflow_files():
        for job in read(file)["jobs"].values():
            if "uses" in job:
                yield job, read(ROOT / job["uses"])


def test_a_called_workflow_is_given_what_it_asks_for() -> None:
    for job, workflow in calls():
        inputs = (workflow["on"]["workflow_call"] or {}).get("inputs", {})
        required = {name for name, content in inputs.items() if content.get("required")}
        assert required <= set(job.get("with", {})) <= set(inputs)


def test_a_called_workflow_asks_for_no_more_than_its_caller_may() -> None:
    # GitHub would refuse the whole run.
    for job, workflow in calls():
        for called in workflow["jobs"].values():
            assert called["permissions"].items() <= job["permissions"].items()


@every_workflow
def test_nothing_is_allowed_unless_a_job_says_so(file: Path) -> None:
    document = read(file)
    assert document["permissions"] == {}
    assert [name for name, job in document["jobs"].items() if not job.get("permissions")] == []


@every_workflow
def test_every_job_has_an_end(file: Path) -> None:
    jobs = read(file)["jobs"]
    limits = {name: job["timeout-minutes"] for name, job in jobs.items() if "runs-on" in job}
    assert {name: limit for name, limit in limits.items() if limit > LONGEST_JOB} == {}


@every_workflow
def test_runners_are_of_a_named_version(file: Path) -> None:
    runners = [job["runs-on"] for job in read(file)["jobs"].values() if "runs-on" in job]
    assert [name for name in runners if not re.fullmatch(r"ubuntu-\d\d\.\d\d(-arm)?", name)] == []


@every_workflow
def test_what_runs_by_itself_does_not_run_over_itself(file: Path) -> None:
    document = read(file)
    called_only = set(document["on"]) == {"workflow_call"}
    job_groups = [job for job in document["jobs"].values() if "concurrency" in job]
    assert called_only or document.get("concurrency") or job_groups


@every_file
def test_no_key_is_kept_anywhere(file: Path) -> None:
    text = file.read_text()
    assert "secrets." not in text
    assert "secrets: inherit" not in text
    assert "aws-access-key-id" not in text
    roles = re.findall(r"(?:role-to-assume|plan_role): \${{ (.+) }}", text)
    signed_in = [step for step in steps(file) if "configure-aws-credentials" in step.uses]
    assert len(roles) >= len(signed_in)
    known = re.compile(
        r"(inputs|matrix)\.plan_role|vars\.AWS_\w*ROLE\w*( \|\| vars\.AWS_PLAN_ROLE)?"
    )
    assert [role for role in roles if not known.fullmatch(role)] == []


@every_file
def test_scripts_hold_no_expression(file: Path) -> None:
    # What is inserted into a script is run; in a variable it is read.
    assert [step.place for step in steps(file) if "${{" in step.run] == []


@every_workflow
def test_code_of_others_never_runs_with_rights_of_ours(file: Path) -> None:
    assert {"pull_request_target", "workflow_run"}.isdisjoint(read(file)["on"])


def test_previews_and_plans_are_for_branches_of_this_repository() -> None:
    # Given the jobs of pull requests that are the first to sign in
    preview = read(GITHUB / "workflows" / "preview.yml")["jobs"]
    plan = read(GITHUB / "workflows" / "pull-request.yml")["jobs"]["plan"]

    # Then each asks where the branch is
    for job in (preview["images"], preview["remove"], plan):
        same = "github.event.pull_request.head.repo.full_name == github.repository"
        assert same in job["if"]


def test_environments_are_deployed_one_after_the_other() -> None:
    jobs = read(GITHUB / "workflows" / "main.yml")["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "test": None,
        "images": "test",
        "dev": "images",
        "staging": "dev",
        "prod": "staging",
    }


def test_a_deployment_goes_by_the_plan_that_was_seen() -> None:
    # Given
    jobs = read(GITHUB / "workflows" / "deploy.yml")["jobs"]
    scripts = [step.get("run", "") for step in jobs["apply"]["steps"]]

    # Then the plan comes from the job before, and what asks for approval is between them
    saved = re.search(r"--out (\S+)", "\n".join(s.get("run", "") for s in jobs["plan"]["steps"]))
    assert saved
    assert f".venv/bin/itemstream apply {saved[1]}" in scripts
    assert jobs["apply"]["needs"] == "plan"
    assert "environment" in jobs["apply"]
    assert "environment" not in jobs["plan"]
