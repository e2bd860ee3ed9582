"""Progress people can follow: a spinner on a terminal, plain lines elsewhere, and the times."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.project import Problem

__all__ = ["Progress", "console", "print_problem"]

# Messages go to standard error: standard output is for what programs read.
console = Console(stderr=True, highlight=False, soft_wrap=True)


def print_problem(problem: Problem) -> None:
    """Tell a person what is wrong and what to do; brackets in it are text, not markup."""
    console.print(f"[red bold]Problem:[/] {escape(str(problem))}")


@dataclass
class Progress:
    """The steps of one command, reported as they run and summed up at the end."""

    started: float = field(default_factory=time.monotonic)
    _steps: list[tuple[str, str, float]] = field(default_factory=list)
    _running: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Time a step; call the value with what it found or where it is."""
        started = time.monotonic()
        note = ""

        def report(text: str) -> None:
            nonlocal note
            note = text
            self._show()

        with self._lock:
            self._running.append(title)
        self._show()
        if not console.is_terminal:
            console.print(f"[dim]…[/] {title}")
        try:
            yield report
        finally:
            with self._lock:
                self._running.remove(title)
        seconds = time.monotonic() - started
        with self._lock:
            self._steps.append((title, note, seconds))
        console.print(f"[green]✓[/] {title} [dim]{note} {seconds:.1f} s[/]")

    def _show(self) -> None:
        if console.is_terminal:
            self.status.update(" · ".join(self._running))

    def __enter__(self) -> Progress:
        self.status = console.status("")
        if console.is_terminal:
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.status.stop()

    def print_times(self) -> None:
        """Print where the time went; steps may have run side by side."""
        table = Table("step", "", "seconds", box=None, header_style="dim")
        table.columns[2].justify = "right"
        for title, note, seconds in self._steps:
            table.add_row(title, f"[dim]{note}[/]", f"{seconds:.1f}")
        table.add_row("[bold]all[/]", "", f"[bold]{time.monotonic() - self.started:.1f}[/]")
        console.print(table)
