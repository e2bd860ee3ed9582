"""The steps of workflows and composite actions, as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tools.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["GITHUB", "Step", "action_files", "read", "steps", "workflow_files"]

GITHUB = ROOT / ".github"


@dataclass(frozen=True)
class Step:
    """
    One step.

    Attributes
    ----------
    place
        File, job (none in a composite action) and number, for messages.
    run
        The script, "" if the step is an action.
    uses
        The action, or for a job the workflow, that is called; "" if the step is a script.
    options
        What the action is given (`with`).
    """

    place: str
    run: str = ""
    uses: str = ""
    options: dict[str, Any] = field(default_factory=dict)


def workflow_files() -> list[Path]:
    """Return the workflows, sorted by name."""
    return sorted((GITHUB / "workflows").glob("*.yml"))


def action_files() -> list[Path]:
    """Return the composite actions, sorted by name."""
    return sorted((GITHUB / "actions").glob("*/action.yml"))


def read(file: Path) -> dict[str, Any]:
    """Return a workflow or an action; YAML reads the key `on` as true."""
    document: dict[Any, Any] = yaml.safe_load(file.read_text())
    return {"on" if key is True else key: value for key, value in document.items()}


def steps(file: Path) -> Iterator[Step]:
    """Yield the steps of a workflow or a composite action, jobs that call a workflow among them."""
    document = read(file)
    name = file.relative_to(GITHUB).as_posix() if file.is_relative_to(GITHUB) else file.name
    for number, step in enumerate(document.get("runs", {}).get("steps", []), 1):
        yield _step(f"{name} step {number}", step)
    for job, content in document.get("jobs", {}).items():
        if "uses" in content:
            yield _step(f"{name} {job}", content)
        for number, step in enumerate(content.get("steps", []), 1):
            yield _step(f"{name} {job} step {number}", step)


def _step(place: str, content: dict[str, Any]) -> Step:
    return Step(
        place,
        run=content.get("run", ""),
        uses=content.get("uses", ""),
        options=content.get("with", {}),
    )
