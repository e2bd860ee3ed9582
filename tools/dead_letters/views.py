"""What `itemstream dlq` shows to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tools.dead_letters.letters import OUR_ATTRIBUTES
from tools.progress import console

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from tools.dead_letters.letters import Letter
    from tools.dead_letters.queues import DeadLetterQueue
    from tools.dead_letters.redriving import Order, Outcome

__all__ = ["RedriveProgress", "print_audit", "print_letter", "print_outcome", "print_queues"]

# What is asked for goes to standard output, what is said about it to standard error.
_answer = Console(highlight=False, soft_wrap=True)
_LEAST_WIDTH = 140
_BOUND = 2000


def print_queues(queues: Sequence[tuple[DeadLetterQueue, dt.timedelta | None]]) -> None:
    """Print a line for each queue, the fullest first."""
    table = Table("dead letters of", "kind", "depth", "in flight", "oldest", "redrive", box=None)
    for number in (2, 3, 4):
        table.columns[number].justify = "right"
    for queue, age in sorted(queues, key=lambda one: (-one[0].depth, one[0].name)):
        table.add_row(
            f"{queue.name}",
            queue.kind,
            str(queue.depth),
            str(queue.in_flight),
            "-" if age is None else in_words(age),
            queue.redrive,
            style="bold" if queue.depth else "dim",
        )
    _print_table(table)


def print_letter(letter: Letter, *, full: bool, records: Sequence[Any] | str | None) -> None:
    """Print one letter; what it points to, too."""
    for name in ("id", "kind", "reason", "source", "function", "failed_at", "receives"):
        if value := getattr(letter, name):
            _print_field(name, str(value))
    for name, value in letter.attributes.items():
        if name not in OUR_ATTRIBUTES:
            _print_field(name, str(value.get("StringValue", "(binary)")))
    _print_field("payload", _bounded(letter.payload, full=full))
    if isinstance(records, str):
        _print_field("records", records)
    else:
        for record in records or ():
            _print_field("record", _bounded(record, full=full))
    _answer.print()


def _print_field(name: str, text: str) -> None:
    _answer.print(f"[dim]{escape(name):10}[/] {escape(text)}")


def print_outcome(outcome: Outcome, order: Order, queue: DeadLetterQueue) -> None:
    """Sum a redrive up, and say what is to be done about what is left."""
    verb = "discarded" if order.discard else "redriven"
    done = f"would be {verb}" if order.dry_run else verb
    console.print(f"[green]{outcome.redriven}[/] {done}")
    for destination, number in outcome.destinations.most_common():
        console.print(f"  [dim]{number} to {escape(destination)}[/]")
    for name, number in (
        ("failed and stay", outcome.failed),
        ("failed again and are back", outcome.came_back),
    ):
        if number:
            console.print(f"[red]{number}[/] {name}")
    for reason, number in outcome.reasons.most_common(10):
        console.print(f"  [red]{number}[/] [dim]{escape(reason)}[/]")
    if outcome.skipped:
        console.print(f"[dim]{outcome.skipped} do not match --filter and stay[/]")
    if outcome.arrived:
        console.print(f"[dim]{outcome.arrived} arrived meanwhile; run it again for them[/]")
    for note in outcome.notes:
        console.print(f"[yellow]Note:[/] {escape(note)}")
    if outcome.interrupted:
        console.print("[yellow]Interrupted.[/] Run the same command again: it goes on.")
    elif outcome.failed or outcome.came_back:
        console.print(
            f"Look at them: itemstream dlq show {queue.name}. Mend the cause, then redrive again."
        )
    elif queue.in_flight and not outcome.redriven:
        console.print(
            f"{queue.in_flight} more are hidden: somebody else reads them, or did and was killed "
            "within the last minutes. Try again in a minute."
        )


def print_audit(entries: Sequence[dict[str, Any]]) -> None:
    """Print a line for each run, from what was written at its beginning and its end."""
    titles = ("at", "who", "did", "queue", "filter", "letters", "failed", "came back", "end")
    table = Table(*titles, box=None)
    runs: dict[str, dict[str, Any]] = {}
    for entry in entries:
        runs.setdefault(entry["run"], {}).update({"began": entry["at"]} | entry)
        if entry["phase"] == "begins":
            runs[entry["run"]]["began"] = entry["at"]
    for run in runs.values():
        table.add_row(
            run["began"],
            escape(f"{run['who'].rpartition(':')[2]} ({run['user']})"),
            run["action"],
            run["queue"],
            escape(run["filter"] or "-"),
            *(str(run.get(name, "?")) for name in ("redriven", "failed", "came_back")),
            {"begins": "unknown", "ends": "stopped" if run.get("interrupted") else "done"}[
                run["phase"]
            ],
        )
    _print_table(table)


def _print_table(table: Table) -> None:
    # What is read by another program, or in a narrow window, must not lose the ends of its cells.
    Console(highlight=False, width=max(_answer.width, _LEAST_WIDTH)).print(table)


class RedriveProgress:
    """A bar on a terminal; nothing elsewhere: the sum comes at the end."""

    def __init__(self, total: int) -> None:
        self._progress = Progress(
            TextColumn("Redrive"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[errors]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=total, errors="")

    def __enter__(self) -> RedriveProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, outcome: Outcome) -> None:
        """Show how far it is."""
        errors = outcome.failed + outcome.came_back
        self._progress.update(
            self._task,
            completed=outcome.attempted + outcome.skipped,
            errors=f"[red]{errors} errors[/]" if errors else "",
        )


def in_words(age: dt.timedelta) -> str:
    """Write a length of time short: 3 d 4 h, 5 min, 12 s."""
    seconds = int(age.total_seconds())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def _bounded(payload: Any, *, full: bool) -> str:
    text = payload if isinstance(payload, str) else json.dumps(payload, indent=2)
    if full or len(text) <= _BOUND:
        return text
    return f"{text[:_BOUND]}… ({len(text) - _BOUND} characters more: --full)"
