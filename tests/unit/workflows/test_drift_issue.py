"""What the night finds opens one issue, and adds to it in the nights after."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.workflows.steps import GITHUB, steps

if TYPE_CHECKING:
    from pathlib import Path

# Writes down how it was called and with which text; knows of the open issue it is told of.
GH = """\
#!/bin/sh
echo "$@" >>calls
case "$2" in list) echo "$OPEN_ISSUE" ;; *) cat issue.md >>text ;; esac
"""


TITLE = "Environments differ from the code"


def open_an_issue(folder: Path, open_issue: str) -> list[str]:
    """Run the step as GitHub does, with a `gh` that only writes down; return its calls."""
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    run_step(folder, "gh issue", OPEN_ISSUE=open_issue, TITLE=TITLE, RUN="the run")
    return (folder / "calls").read_text().splitlines()


def run_step(folder: Path, words: str, **variables: str) -> None:
    """Run the step of the night whose script has these words."""
    script = next(
        step.run for step in steps(GITHUB / "workflows" / "nightly.yml") if words in step.run
    )
    environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **variables}
    subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=True)


@pytest.mark.parametrize(
    ("open_issue", "expected"),
    [
        ("", f"issue create --title {TITLE} --body-file issue.md"),
        ("7", "issue comment 7 --body-file issue.md"),
    ],
    ids=["first night", "a night after"],
)
def test_there_is_one_issue_at_a_time(tmp_path: Path, open_issue: str, expected: str) -> None:
    # Given
    (tmp_path / "drift-dev.md").write_text("a queue was changed by hand\n")
    (tmp_path / "drift-prod.md").write_text("an alarm is gone\n")

    # When
    *_, last_call = open_an_issue(tmp_path, open_issue)

    # Then
    assert last_call == expected
    first, _, *found = (tmp_path / "text").read_text().splitlines()
    assert first == "Found by the run"
    assert sorted(found) == ["a queue was changed by hand", "an alarm is gone"]


def test_without_anything_to_tell_there_is_an_issue_all_the_same(tmp_path: Path) -> None:
    # When a run was cancelled before it could say what differs
    *_, last_call = open_an_issue(tmp_path, "")

    # Then
    assert last_call.startswith("issue create")
    assert (tmp_path / "text").read_text() == "Found by the run\n\n"


def test_what_could_not_be_compared_is_no_drift(tmp_path: Path) -> None:
    # When the step before failed without a word
    run_step(tmp_path, "could not be compared", ENVIRONMENT="dev")

    # Then
    told = tmp_path / "build" / "drift-dev.md"
    assert told.read_text().startswith("### dev could not be compared")

    # And what it did find is left as it is
    told.write_text("1 changed\n")
    run_step(tmp_path, "could not be compared", ENVIRONMENT="dev")
    assert told.read_text() == "1 changed\n"
