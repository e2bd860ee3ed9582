"""What Terraform says of itself with -json while it changes something, told to people."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["run_with_progress"]


def run_with_progress(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    report: Callable[[str], None],
) -> str:
    """
    Run a Terraform command that has -json, and sum up what changed.

    Parameters
    ----------
    command
        An apply or a destroy.
    environment
        Its environment variables.
    log
        Where all its messages are kept.
    report
        Is told how far it is.

    Raises
    ------
    Problem
        If Terraform fails; its messages.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as file,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 (PIPE, for the type checker)
        result = _follow(_messages(process.stdout, file), report)
    if process.returncode:
        what = next((word for word in command if word in {"apply", "destroy"}), "run")
        problems = result or f"see {log}"
        raise Problem(f"terraform {what} failed ({process.returncode}):\n{problems}")
    return result


def _messages(lines: Iterable[str], log: Any) -> Iterator[dict[str, Any]]:
    for line in lines:
        log.write(line)
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _follow(messages: Iterator[dict[str, Any]], report: Callable[[str], None]) -> str:
    """Report how far it is; return its summary, or its errors."""
    wanted = done = 0
    errors: list[str] = []
    summary = ""
    for message in messages:
        match message.get("type"):
            case "planned_change":
                wanted += 1
            case "apply_complete":
                done += 1
                # A saved plan is not told of again: what is wanted is not known then.
                report(f"{done} of {wanted} resources" if wanted else f"{done} resources")
            case "change_summary":
                summary = message["@message"].partition("complete! Resources: ")[2]
            case "diagnostic" if message["diagnostic"]["severity"] == "error":
                diagnostic = message["diagnostic"]
                where = diagnostic.get("address", "")
                errors.append(f"{diagnostic['summary']} {where}\n{diagnostic.get('detail', '')}")
    return "\n".join(errors) or summary
