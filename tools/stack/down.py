"""Stop a local stack, whatever state it is in; forget it when asked."""

from __future__ import annotations

import importlib
import shutil
from typing import TYPE_CHECKING

from tools.stack.daemons import stop_leftovers
from tools.stack.parts import parts

if TYPE_CHECKING:
    from tools.progress import Progress
    from tools.stack.settings import Stack

__all__ = ["bring_down", "forget"]


def bring_down(stack: Stack, progress: Progress) -> None:
    """Stop every process of the stack; its state stays for the next `make up`."""
    for daemon in reversed(parts(stack)):
        with progress.step(f"Stop {daemon.title}") as report:
            report("stopped" if daemon.stop() else "did not run")
    lambda_host = importlib.import_module("tools.lambda_host")
    survivors = lambda_host.stop_survivors(stack.lambda_host_folder)
    leftovers = stop_leftovers(stack.folder)
    if survivors or leftovers:
        with progress.step("Stop leftovers of a crash") as report:
            report(f"{(survivors or 0) + leftovers} processes")


def forget(stack: Stack, progress: Progress) -> None:
    """Stop the stack and delete all it kept."""
    bring_down(stack, progress)
    with progress.step(f"Delete {stack.folder}"):
        for path in stack.folder.iterdir():
            # The lock is held: it goes with the folder of the next stack.
            if path.name == "lock":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
