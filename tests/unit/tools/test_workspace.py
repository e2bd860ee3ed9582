"""Terraform applied: what its messages become, and the one failure that passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.infrastructure import root
from tools.infrastructure.workspace import Workspace
from tools.project import Problem
from tools.stack import settings
from tools.stack.settings import Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLANNED = {"type": "planned_change", "@message": "f: Plan to create"}
DONE = {"type": "apply_complete", "@message": "f: Creation complete"}
SUMMARY = {
    "type": "change_summary",
    "@message": "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.",
}


def failure(summary: str) -> dict[str, object]:
    diagnostic = {"severity": "error", "summary": summary, "detail": "why", "address": "a.b"}
    return {"type": "diagnostic", "@message": summary, "diagnostic": diagnostic}


@pytest.fixture
def apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, list[str]]]:
    """Apply with a Terraform that writes the given messages, one list for each time it is run."""
    program = tmp_path / "terraform"
    monkeypatch.setattr(root, "find_terraform", lambda: program)
    monkeypatch.setattr(settings, "LOCAL", tmp_path)

    def run(*runs: list[dict[str, object]]) -> tuple[str, list[str]]:
        for number, messages in enumerate(runs):
            lines = "".join(json.dumps(message) + "\n" for message in messages)
            (tmp_path / f"run{number}").write_text(lines)
        program.write_text(
            f"#!/bin/sh\ncd {tmp_path}\n"
            "n=$(ls runs 2>/dev/null | wc -l); mkdir -p runs; touch runs/$n\n"
            'cat "run$n"; ! grep -q diagnostic "run$n"\n'
        )
        program.chmod(0o755)
        reports: list[str] = []
        workspace = Workspace(Stack("trial", 1, 2, 3, 4, "us-east-1"), tmp_path / "artifacts.json")
        return workspace.apply(reports.append), reports

    return run


def test_progress_is_counted_and_summed_up(
    apply: Callable[..., tuple[str, list[str]]],
) -> None:
    summary, reports = apply([PLANNED, PLANNED, DONE, DONE, SUMMARY])
    assert summary == "1 added, 0 changed, 0 destroyed."
    assert reports == ["1 of 2 resources", "2 of 2 resources"]


def test_errors_are_told_with_their_resource(
    apply: Callable[..., tuple[str, list[str]]],
) -> None:
    with pytest.raises(Problem, match=r"no such table a\.b\nwhy"):
        apply([PLANNED, failure("no such table")])


def test_a_retried_alias_is_applied_again(apply: Callable[..., tuple[str, list[str]]]) -> None:
    passing = failure("creating Lambda Alias: operation error Lambda: CreateAlias, StatusCode: 409")
    summary, _ = apply([PLANNED, passing], [PLANNED, DONE, SUMMARY])
    assert summary == "1 added, 0 changed, 0 destroyed."


def test_it_is_applied_twice_at_the_most(apply: Callable[..., tuple[str, list[str]]]) -> None:
    passing = failure("creating Lambda Alias: operation error Lambda: CreateAlias, StatusCode: 409")
    with pytest.raises(Problem, match="CreateAlias"):
        apply([passing], [passing], [SUMMARY])
