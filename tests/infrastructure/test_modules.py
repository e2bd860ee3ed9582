"""The modules' own form: described, used, and small enough to be understood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tools.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TERRAFORM = ROOT / "terraform"
MODULES = [TERRAFORM, *sorted(path for path in (TERRAFORM / "modules").iterdir() if path.is_dir())]
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)

named = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)


def text(module: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(module.glob("*.tf")))


@named
def test_every_variable_and_output_is_described(module: Path) -> None:
    # Given the variables and outputs of a module
    blocks = BLOCK.findall(text(module))

    # Then each says in a sentence what it is
    assert blocks
    assert [name for _, name, body in blocks if not re.search(r'description += ".+\."', body)] == []


@named
def test_every_variable_is_used(module: Path) -> None:
    # Given a module without the declarations of its variables
    names = {name for kind, name, _ in BLOCK.findall(text(module)) if kind == "variable"}
    rest = BLOCK.sub(lambda block: "" if block[1] == "variable" else block[0], text(module))

    # Then it reads each of them
    assert names == names & set(re.findall(r"\bvar\.(\w+)", rest))


@named
def test_a_module_has_at_most_25_variables(module: Path) -> None:
    # Given any module; the root's variables are the environments' settings, most with a default
    most = 35 if module == TERRAFORM else 25
    names = [name for kind, name, _ in BLOCK.findall(text(module)) if kind == "variable"]

    # Then it can be called without a manual
    assert len(names) <= most
