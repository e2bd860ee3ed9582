"""What every workflow keeps to, beyond what zizmor and actionlint ask of them."""

from __future__ import annotations

import re
import subprocess
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


def jobs_of(name: str) -> dict[str, Any]:
    jobs: dict[str, Any] = read(GITHUB / "workflows" / f"{name}.yml")["jobs"]
    return jobs


def test_previews_and_plans_are_for_branches_of_this_repository() -> None:
    # Given the jobs of pull requests that are the first to sign in
    preview = jobs_of("preview")

    # Then each asks where the branch is
    for job in (preview["images"], preview["remove"], jobs_of("pull-request")["plan"]):
        same = "github.event.pull_request.head.repo.full_name == github.repository"
        assert same in job["if"]


def test_no_code_of_a_pull_request_signs_in_before_a_reviewer_let_it() -> None:
    # Given every job that a pull request starts and that may sign in
    environments = {
        environment
        for file in workflow_files()
        if "pull_request" in read(file)["on"]
        for environment, job in jobs_started_by(file)
        if "id-token" in job["permissions"]
    }

    # Then each is behind a GitHub environment with reviewers (docs/pipelines.md)
    assert environments == {"plan", "preview"}


def jobs_started_by(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each job of a workflow and of those that it calls, and which environment it is in."""
    for job in read(file)["jobs"].values():
        inputs = job.get("with", {})
        for each in read(ROOT / job["uses"])["jobs"].values() if "uses" in job else [job]:
            if each.get("if") == "inputs.plan_role != ''" and "plan_role" not in inputs:
                continue
            environment = str(each.get("environment", "none"))
            yield inputs["approval"] if "inputs.approval" in environment else environment, each


def test_images_are_built_before_anybody_signs_in() -> None:
    names = [step["name"] for step in jobs_of("publish-images")["push"]["steps"]]
    assert names.index("Build the images") < names.index("Sign in to AWS, to push")


def test_a_label_does_not_bring_a_closed_pull_request_back() -> None:
    condition = jobs_of("preview")["images"]["if"]
    assert "github.event.pull_request.state == 'open'" in condition
    assert "github.event.action != 'labeled' || github.event.label.name == 'preview'" in condition


def test_previews_are_removed_by_main() -> None:
    # Given what a pull request does when it is closed, which is to start another workflow
    remove = jobs_of("preview")["remove"]
    assert remove["steps"][0]["run"] == "gh workflow run remove-previews.yml"
    assert set(remove["permissions"]) == {"actions"}

    # Then that runs each night, too, and takes the role of an environment that is main's
    assert {"schedule", "workflow_dispatch"} == set(
        read(GITHUB / "workflows" / "remove-previews.yml")["on"]
    )
    assert jobs_of("remove-previews")["remove"]["with"]["approval"] == "dev"


def test_environments_are_deployed_one_after_the_other() -> None:
    def order(name: str) -> dict[str, str | None]:
        return {job: content.get("needs") for job, content in jobs_of(name).items()}

    assert order("deliver") == {"test": None, "images": "test", "dev": "images", "staging": "dev"}
    assert order("main") == {"deliver": None, "prod": "deliver"}


def test_dev_and_staging_do_not_wait_for_the_approval_of_production() -> None:
    groups = {name: job["concurrency"]["group"] for name, job in jobs_of("main").items()}
    assert len(set(groups.values())) == len(groups)
    assert "concurrency" not in read(GITHUB / "workflows" / "main.yml")


def test_a_deployment_goes_by_the_plan_that_was_seen() -> None:
    # Given
    jobs = jobs_of("deploy")
    scripts = [step.get("run", "") for step in jobs["apply"]["steps"]]
    made, compared, applied = (
        next(number for number, script in enumerate(scripts) if word in script)
        for word in ("itemstream plan", "diff ", "itemstream apply")
    )

    # Then approval is between the plan that is shown and the one that is applied
    assert made < compared < applied
    saved = re.search(r"--out (\S+)", scripts[made])
    assert saved
    assert scripts[applied] == f".venv/bin/itemstream apply {saved[1]}"
    assert jobs["apply"]["needs"] == "plan"
    assert "environment" in jobs["apply"]
    assert "environment" not in jobs["plan"]


@every_workflow
def test_no_saved_plan_leaves_its_job(file: Path) -> None:
    # It holds the state, in clear, and whoever can read the repository could download it.
    uploaded = [
        path
        for step in steps(file)
        if "upload-artifact" in step.uses
        for path in step.options["path"].split()
    ]
    plans = {"build", "build/", "build/plan", "build/**"}
    assert [path for path in uploaded if path in plans or path.endswith((".tfplan", "*"))] == []


def test_a_plan_that_is_not_the_one_that_was_seen_stops(tmp_path: Path) -> None:
    # Given the two summaries as the steps before leave them
    script = next(
        step.run for step in steps(GITHUB / "workflows" / "deploy.yml") if "diff" in step.run
    )
    seen, now = tmp_path / "build/seen/summary.md", tmp_path / "build/plan/summary.md"
    for file in (seen, now):
        file.parent.mkdir(parents=True)
        file.write_text("1 created\n")

    def passes() -> bool:
        done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, capture_output=True)
        return done.returncode == 0

    # Then
    assert passes()
    now.write_text("1 created, 1 destroyed\n")
    assert not passes()
