"""Each command of the workflows exists, is called as it wants to be, and is proven somewhere."""

from __future__ import annotations

import shlex
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import typer.main

from tools.cli import app
from tools.project import ROOT
from tools.workflows.commands import commands
from tools.workflows.steps import action_files, steps, workflow_files

if TYPE_CHECKING:
    from collections.abc import Iterator

# How each command is known to work. A test runs it, or it runs as a part of `make test`; what only
# GitHub or AWS can answer is at least parsed: by shellcheck, and the options of ours by this file.
CI = "CI runs it"
GITHUB = "only on GitHub"
PROOF: dict[str, str] = {
    "make bootstrap": CI,
    "make test": CI,
    "make audit": "tests/unit/workflows/test_audit.py",
    "make images": "tests/integration/containers/test_images.py",
    "itemstream images": "tests/unit/containers/test_aws_base.py",
    "itemstream push": "tests/unit/environments/test_pushing.py",
    "itemstream plan": "tests/integration/bootstrap/test_saved_plans.py",
    "itemstream apply": "tests/integration/bootstrap/test_saved_plans.py",
    "itemstream migrate": "tests/unit/tools/test_migrating.py",
    "itemstream deploy": "tests/unit/releases/test_code_deploy.py",
    "itemstream history": "tests/unit/releases/test_deploying.py",
    "itemstream smoke": "tests/e2e/test_smoke.py",
    "itemstream drift": "tests/integration/bootstrap/test_whole_lives.py",
    "itemstream destroy": "tests/integration/bootstrap/test_whole_lives.py",
    "python -m tools.workflows.image_matrix": "tests/unit/workflows/test_image_matrix.py",
    "cosign sign": GITHUB,
    "cosign attest": GITHUB,
    "gh issue": "tests/unit/workflows/test_drift_issue.py",
    "gh pr": GITHUB,
}
# Bash's own, and what every Linux has.
SHELL = {"[", "cat", "printf"}
# Runs another command as root.
AS_ROOT = ["sudo", "--preserve-env", "env", "PATH=$PATH"]


def called() -> Iterator[list[str]]:
    """Yield the words of each command of each step, `sudo` left out."""
    for file in [*workflow_files(), *action_files()]:
        for step in steps(file):
            for words in commands(step.run):
                command = words[len(AS_ROOT) :] if words[: len(AS_ROOT)] == AS_ROOT else words
                if command[0] not in SHELL:
                    yield [command[0].removeprefix(".venv/bin/"), *command[1:]]


def name_of(words: list[str]) -> str:
    """Return what tells a command from others: the program and its first words."""
    return " ".join(words[: 3 if words[1] == "-m" else 2])


def test_every_command_is_proven_somewhere() -> None:
    assert {name_of(words) for words in called()} == set(PROOF)


def test_proofs_are_where_they_are_said_to_be() -> None:
    places = [proof for proof in PROOF.values() if proof not in {CI, GITHUB}]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_make_knows_every_target() -> None:
    targets = sorted({words[1] for words in called() if words[0] == "make"})
    done = subprocess.run(
        ["make", "--dry-run", *targets], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line",
    sorted({shlex.join(words) for words in called() if words[0] == "itemstream"}),
)
def test_itemstream_takes_what_it_is_given(line: str) -> None:
    # Given a command as it stands in a step
    command = typer.main.get_command(app)
    name, *arguments = shlex.split(line)
    while subcommands := getattr(command, "commands", None):
        name, *arguments = arguments
        assert name in subcommands
        command = subcommands[name]

    # Then its words are read without complaint (it is not run)
    with command.make_context(name, arguments):
        pass


def test_python_finds_every_module() -> None:
    modules = [words[2] for words in called() if words[0] == "python"]
    assert modules
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("make test", [["make", "test"]]),
        ("a=1 make test >> log", [["make", "test"]]),
        ("{ one; two 'x y'; } > file", [["one"], ["two", "x y"]]),
        ("n=$(one | two)", [["one"], ["two"]]),
        ('if [ -n "$n" ]; then\n  one \\\n    two\nfi', [["[", "-n", "$n", "]"], ["one", "two"]]),
    ],
)
def test_commands_of_a_script_are_found(script: str, found: list[list[str]]) -> None:
    assert commands(script) == found
