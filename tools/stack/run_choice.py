"""What a local stack runs its functions out of: chosen once, kept until it is chosen anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.stack.settings import Stack

__all__ = ["Run", "RunChoice", "chosen", "keep"]


class Run(StrEnum):
    """What functions run out of."""

    SOURCE = "source"
    IMAGES = "images"
    ARCHIVES = "archives"


@dataclass(frozen=True)
class RunChoice:
    """
    What functions run out of, and on what.

    Parameters
    ----------
    base_image
        Digest of the image that archives run on; empty: on the machine's own Python.
    """

    run: Run = Run.SOURCE
    base_image: str = ""

    @property
    def package_type(self) -> str | None:
        """What Terraform makes of functions that may be either; None: what the catalogue says."""
        return "Zip" if self.run is Run.ARCHIVES else None


def chosen(stack: Stack) -> RunChoice:
    """Return what was chosen last: the source, if nothing was."""
    file = stack.folder / "run.json"
    if not file.exists():
        return RunChoice()
    kept = json.loads(file.read_text())
    return RunChoice(Run(kept["run"]), kept["base_image"])


def keep(stack: Stack, choice: RunChoice) -> None:
    """Remember a choice."""
    (stack.folder / "run.json").write_text(json.dumps(asdict(choice)) + "\n")
