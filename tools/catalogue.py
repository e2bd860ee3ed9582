"""The catalogue of functions, functions.yaml, as the tools read it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from tools.project import REQUIREMENTS, ROOT

__all__ = ["Family", "catalogue", "families", "function_names"]


@dataclass(frozen=True)
class Family:
    """
    A folder of handlers that ships as one image or archive.

    Parameters
    ----------
    name, source
        Its name and its folder.
    include
        Files that ship with it.
    requirements
        The lock of packages that only this family imports, beside the shared layer's.
    """

    name: str
    source: Path
    include: tuple[Path, ...] = ()
    requirements: Path | None = None

    @property
    def packages_above(self) -> list[Path]:
        """What makes the folders above importable: functions/crud is imported as functions.crud."""
        return list(takewhile(Path.exists, (at / "__init__.py" for at in self.source.parents)))


@cache
def catalogue() -> dict[str, Any]:
    """Read functions.yaml."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "functions.yaml").read_text())
    return document


def families() -> list[Family]:
    """List the families in the order of the catalogue."""
    return [
        Family(
            name,
            ROOT / entry["source"],
            tuple(ROOT / path for path in entry.get("include", ())),
            REQUIREMENTS / f"{entry['requirements']}.txt" if "requirements" in entry else None,
        )
        for name, entry in catalogue()["families"].items()
    ]


def function_names() -> list[str]:
    """List the logical names of all functions."""
    return list(catalogue()["functions"])
