"""What was last applied to a stack: Terraform's outputs, and the mark that they still hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.project import Problem
from tools.stack.clients import client

if TYPE_CHECKING:
    from pathlib import Path

    from tools.stack.settings import Stack

__all__ = ["applied_inputs", "forget_applied", "mark_applied", "outputs", "save_outputs"]

# Kept in the local AWS itself, so that it is gone when the state that it stands for is.
_PARAMETER = "/itemstream/local/applied"


def _file(stack: Stack) -> Path:
    return stack.folder / "outputs.json"


def save_outputs(stack: Stack, values: dict[str, Any]) -> None:
    """Keep Terraform's outputs."""
    _file(stack).write_text(json.dumps(values, indent=2) + "\n")


def outputs(stack: Stack) -> dict[str, Any]:
    """
    Return Terraform's outputs.

    Raises
    ------
    Problem
        If nothing was applied yet.
    """
    try:
        values: dict[str, Any] = json.loads(_file(stack).read_text())
    except OSError:
        raise Problem(f"The stack `{stack.name}` is not up. Start it: make up") from None
    return values


def mark_applied(stack: Stack, inputs: str) -> None:
    """Note in the local AWS which inputs it was made from."""
    client(stack, "ssm").put_parameter(Name=_PARAMETER, Value=inputs, Type="String", Overwrite=True)


def forget_applied(stack: Stack) -> None:
    """Take the note back: what follows changes the local AWS, and may be stopped half way."""
    client(stack, "ssm").delete_parameters(Names=[_PARAMETER])


def applied_inputs(stack: Stack) -> str | None:
    """Return the inputs that the local AWS was made from, None if it was not or has lost them."""
    ssm = client(stack, "ssm")
    try:
        value: str = ssm.get_parameter(Name=_PARAMETER)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return value
