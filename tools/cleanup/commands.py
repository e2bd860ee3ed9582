"""Call the cleanup and show what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from tools.invocations import FunctionBusy, FunctionFailed, invoke
from tools.progress import console
from tools.project import Problem

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account

__all__ = ["run_cleanup", "show"]

# As long as Lambda allows an invocation to take, and the way there and back.
_LONGEST_SECONDS = 910
_COLUMNS = ("found", "removed", "kept", "errors")


def run_cleanup(account: Account, *, dry_run: bool) -> dict[str, Any]:
    """
    Call the function and return its account of the run.

    Raises
    ------
    Problem
        If it is running already, or failed.
    """
    call = {"schedule": "cleanup", "input": {"dry_run": dry_run}}
    said = "it gave no account"
    try:
        document = invoke(account, "cleanup_job", call, seconds=_LONGEST_SECONDS)
    except FunctionBusy:
        raise Problem("A cleanup is running already. Look again in a quarter of an hour.") from None
    except FunctionFailed as failed:
        document, said = None, failed.error_type
    if not document:
        raise Problem(f"The cleanup failed ({said}): itemstream logs cleanup_job says more.")
    return dict(document)


def show(run: dict[str, Any]) -> None:
    """Print what each task did."""
    table = Table("task", *_COLUMNS, "", box=None)
    for column in table.columns[1:5]:
        column.justify = "right"
    for name, task in run["tasks"].items():
        end = "" if task["done"] else f"stopped by {task['fault']}" if task["fault"] else "goes on"
        table.add_row(name, *(str(task[column]) for column in _COLUMNS), end)
    console.print(table)
    if run["dry_run"]:
        console.print("A dry run: nothing was removed; `removed` is what would have been.")
