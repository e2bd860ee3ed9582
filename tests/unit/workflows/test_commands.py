"""Each command of the workflows exists, is called as it wants to be, and is proven somewhere."""

from __future__ import annotations

import re
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

CI = "CI runs it"
GITHUB = "only on GitHub"
# How each command is known to work: a file of tests, and what is called in it; or it runs as a part
# of `make test`. What only GitHub or AWS can answer is at least parsed: by shellcheck, and the
# options of ours by this file.
LIVES = "tests/integration/bootstrap/test_whole_lives.py"
PLANS = "tests/integration/bootstrap/test_saved_plans.py"
PROOF: dict[str, str | tuple[str, str]] = {
    "make bootstrap": CI,
    "make test": CI,
    "make audit": ("tests/unit/workflows/test_audit.py", "audits()"),
    "make images": ("tests/integration/containers/test_images.py", "image_configuration("),
    "itemstream images": ("tests/unit/containers/test_aws_base.py", "pin_newest_base("),
    "itemstream push": ("tests/unit/environments/test_pushing.py", "push("),
    "itemstream plan": (PLANS, "project.save("),
    "itemstream apply": (PLANS, "project.apply("),
    "itemstream migrate": ("tests/unit/tools/test_migrating.py", "migrate("),
    "itemstream deploy": ("tests/unit/releases/test_code_deploy.py", "deploy("),
    "itemstream history": ("tests/unit/releases/test_code_deploy.py", "markdown("),
    "itemstream smoke": ("tests/e2e/test_smoke.py", '"smoke"'),
    "itemstream drift": (LIVES, "find_drift("),
    "itemstream destroy": (LIVES, "destroy("),
    "python -m tools.workflows.image_matrix": (
        "tests/unit/workflows/test_image_matrix.py",
        "image_matrix(",
    ),
    "python -m tools.workflows.unwanted_previews": (
        "tests/unit/workflows/test_unwanted_previews.py",
        "unwanted_previews.main(",
    ),
    "cosign sign": GITHUB,
    "cosign attest": GITHUB,
    "diff build/seen/summary.md": (
        "tests/unit/workflows/test_workflows.py",
        '"diff" in step.run',
    ),
    "gh issue": ("tests/unit/workflows/test_drift_issue.py", "open_an_issue("),
    "gh pr": GITHUB,
    "gh workflow": GITHUB,
}
# Bash's own, and what every Linux has.
SHELL = {"[", "cat", "find", "mkdir", "printf", "test"}
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


@pytest.mark.parametrize(
    ("file", "call"), sorted({proof for proof in PROOF.values() if isinstance(proof, tuple)})
)
def test_proofs_call_what_they_prove(file: str, call: str) -> None:
    tests = re.split(r"^def (?=test_)", (ROOT / file).read_text(), flags=re.MULTILINE)[1:]
    assert [test for test in tests if call in test] != []


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
