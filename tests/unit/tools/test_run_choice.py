"""What a stack runs its functions out of, and what follows from it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.infrastructure.workspace import Workspace
from tools.project import Problem
from tools.stack import sandboxes, settings
from tools.stack.parts import lambda_host
from tools.stack.run_choice import Run, RunChoice, chosen, keep
from tools.stack.settings import Stack

if TYPE_CHECKING:
    from pathlib import Path

BASE = "sha256:base"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stack:
    monkeypatch.setattr(settings, "LOCAL", tmp_path)
    stack = Stack("trial", 1, 2, 3, 4, "us-east-1")
    stack.folder.mkdir()
    return stack


def test_the_source_is_run_until_something_else_is_chosen(stack: Stack) -> None:
    assert chosen(stack) == RunChoice(Run.SOURCE)


@pytest.mark.parametrize("choice", [RunChoice(Run.IMAGES, BASE), RunChoice(Run.ARCHIVES)])
def test_what_was_chosen_is_kept(stack: Stack, choice: RunChoice) -> None:
    # When
    keep(stack, choice)

    # Then
    assert chosen(stack) == choice


@pytest.mark.parametrize(
    ("choice", "option"),
    [
        (RunChoice(Run.SOURCE), "--root"),
        (RunChoice(Run.IMAGES, BASE), f"--base-image {BASE}"),
        (RunChoice(Run.ARCHIVES, BASE), f"--base-image {BASE}"),
    ],
)
def test_the_host_is_told_and_starts_anew(stack: Stack, choice: RunChoice, option: str) -> None:
    # Given
    keep(stack, RunChoice(Run.IMAGES, "sha256:before"))
    before = lambda_host(stack)

    # When
    keep(stack, choice)

    # Then
    now = lambda_host(stack)
    assert option in " ".join(now.command())
    assert now.version != before.version


@pytest.mark.parametrize(
    ("run", "package_type"),
    [(Run.SOURCE, None), (Run.IMAGES, None), (Run.ARCHIVES, "Zip")],
)
def test_archives_make_every_function_a_zip(
    stack: Stack, tmp_path: Path, run: Run, package_type: str | None
) -> None:
    # Given
    artifacts = tmp_path / "artifacts.json"
    artifacts.write_text("{}")
    workspace = Workspace(stack, artifacts)
    before = workspace.inputs()

    # When
    keep(stack, RunChoice(run, BASE))

    # Then
    assert chosen(stack).package_type == package_type
    assert (workspace.inputs() != before) == (package_type is not None)


def test_images_without_root_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    # Then
    with pytest.raises(Problem, match=r"only root(?s:.)*make up RUN=source"):
        sandboxes.check_sandboxes()


@pytest.mark.skipif(os.geteuid() != 0, reason="without root it is refused before")
def test_images_below_a_path_that_no_overlay_can_have_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    monkeypatch.setattr(sandboxes, "LOCAL", tmp_path / "a:b")

    # Then
    with pytest.raises(Problem, match=r"a:b, holds a colon"):
        sandboxes.check_sandboxes()


@pytest.mark.skipif(os.geteuid() != 0, reason="without root it is refused before")
def test_images_where_nothing_can_be_mounted_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr(sandboxes, "_TRIAL", ("false",))

    # Then
    with pytest.raises(Problem, match="nothing can be mounted"):
        sandboxes.check_sandboxes()
