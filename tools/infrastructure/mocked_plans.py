"""Plans without an AWS account: over mocked providers, by `terraform test`."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from tools.dependencies.terraform import terraform_environment
from tools.infrastructure.root import initialise, terraform
from tools.progress import console
from tools.project import LOCAL, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.environments.naming import Environment

__all__ = ["mocked_changes", "print_resources"]

# The file of terraform/tests, and its run, that plan everything as the environment has it.
_WHOLE_PLAN = "environment"


def mocked_changes(environment: Environment) -> list[dict[str, Any]]:
    """
    Plan an environment from nothing, and return Terraform's `resource_changes`.

    Raises
    ------
    Problem
        If the plan fails, or breaks a rule that every environment must keep.
    """
    data = LOCAL / "terraform" / "checks"
    variables = terraform_environment(TF_DATA_DIR=str(data))
    initialise(variables, data, "-backend=false")
    command = terraform(
        *("test", "-json", "-verbose", f"-filter=tests/{_WHOLE_PLAN}.tftest.hcl"),
        *environment.variables(),
    )
    done = subprocess.run(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [
        message["@message"]
        for message in messages
        if message.get("diagnostic", {}).get("severity") == "error"
    ]
    if done.returncode:
        raise Problem("\n".join([f"The plan of {environment.name} fails:", *errors]))
    return [
        change
        for message in messages
        if message["type"] == "test_plan" and message["@testrun"] == _WHOLE_PLAN
        for change in message["test_plan"]["resource_changes"]
    ]


def print_resources(changes: Iterable[dict[str, Any]]) -> None:
    """Print a table of the resources that would be made, and how many of each type."""
    made = [
        change
        for change in changes
        if change["mode"] == "managed" and "create" in change["change"]["actions"]
    ]
    table = Table("resource", "type", box=None)
    for change in sorted(made, key=lambda change: str(change["address"])):
        table.add_row(change["address"].replace("[", r"\["), f"[dim]{change['type']}[/]")
    console.print(table)
    kinds = Counter(str(change["type"]) for change in made)
    counts = Table("type", "number", box=None)
    for kind, number in sorted(kinds.items()):
        counts.add_row(kind, str(number))
    console.print(counts)
    console.print(f"{len(made)} resources would be made.")
