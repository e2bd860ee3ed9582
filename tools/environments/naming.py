"""Which environments there are: one tfvars file each, and numbered copies of dev."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.project import ROOT, Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOCAL_ENVIRONMENT", "Environment", "environments", "find_environment"]

LOCAL_ENVIRONMENT = "local"
_FOLDER = ROOT / "terraform" / "environments"
# Previews of pull requests are copies: as dev has them, under a name of their own (dev123).
_COPIED = "dev"
_COPY = re.compile(rf"{_COPIED}[1-9]\d{{0,6}}")


@dataclass(frozen=True)
class Environment:
    """
    An environment by its name.

    Parameters
    ----------
    name
        Part of the names of everything in it.
    values
        Its tfvars file; a copy has the original's.
    """

    name: str
    values: Path

    @property
    def is_copy(self) -> bool:
        """Whether it is a numbered copy."""
        return self.values.stem != self.name

    def variables(self) -> list[str]:
        """Return Terraform's options for its values."""
        options = [f"-var-file={self.values}"]
        if self.is_copy:
            options.append(f"-var=environment={self.name}")
        return options


def environments() -> list[str]:
    """List the environments that have a tfvars file."""
    return sorted(path.stem for path in _FOLDER.glob("*.tfvars"))


def find_environment(name: str) -> Environment:
    """
    Return an environment by its name.

    Raises
    ------
    Problem
        If there is none.
    """
    original = _COPIED if _COPY.fullmatch(name) else name
    if original not in environments():
        raise Problem(
            f"There is no environment {name}: use {', '.join(environments())}, or a numbered copy "
            f"of {_COPIED} ({_COPIED}123)."
        )
    return Environment(name, _FOLDER / f"{original}.tfvars")
