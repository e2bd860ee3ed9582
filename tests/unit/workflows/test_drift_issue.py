"""Drift that is found at night opens one issue, and adds to it in the nights after."""

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


def open_an_issue(folder: Path, open_issue: str) -> list[str]:
    """Run the step as GitHub does, with a `gh` that only writes down; return its calls."""
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    (folder / "drift-dev.md").write_text("a queue was changed by hand\n")
    (folder / "drift-prod.md").write_text("an alarm is gone\n")
    script = next(
        step.run for step in steps(GITHUB / "workflows" / "nightly.yml") if "gh issue" in step.run
    )
    environment = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "OPEN_ISSUE": open_issue,
        "TITLE": "Environments are not as the code says",
        "RUN": "the run",
    }
    subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=True)
    return (folder / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("open_issue", "expected"),
    [
        ("", "issue create --title Environments are not as the code says --body-file issue.md"),
        ("7", "issue comment 7 --body-file issue.md"),
    ],
    ids=["first night", "a night after"],
)
def test_there_is_one_issue_at_a_time(tmp_path: Path, open_issue: str, expected: str) -> None:
    # When
    *_, last_call = open_an_issue(tmp_path, open_issue)

    # Then
    assert last_call == expected
    text = (tmp_path / "text").read_text()
    assert text == "Found by the run\n\na queue was changed by hand\nan alarm is gone\n"
