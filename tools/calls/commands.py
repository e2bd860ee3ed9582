"""`itemstream calls`: make files of call records, as clients would send them."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

from tools.progress import Progress, console
from tools.project import Problem

app = typer.Typer(help="Call records to try things out with.", no_args_is_help=True)


@app.callback()
def calls() -> None:
    """Call records to try things out with."""


@app.command()
def generate(
    count: Annotated[int, typer.Option(min=1, help="How many records.")],
    broken: Annotated[
        float, typer.Option(min=0, max=1, help="The part of them that cannot be cleaned.")
    ] = 0.0,
    repeats: Annotated[
        float, typer.Option(min=0, max=1, help="The part that repeats an earlier one.")
    ] = 0.0,
    tenant: Annotated[str, typer.Option(help="Whose calls, for --upload.")] = "demo",
    form: Annotated[
        str, typer.Option("--format", help="jsonl, list, or json: one object.")
    ] = "jsonl",
    seed: Annotated[str | None, typer.Option(help="The same seed, the same calls.")] = None,
    until: Annotated[
        str | None, typer.Option(help="The end of their day, in ISO 8601; now by default.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    *,
    gzip: Annotated[bool, typer.Option("--gzip", help="Pack the file.")] = False,
    upload: Annotated[
        bool, typer.Option("--upload", help="Put it into the local stack's landing bucket.")
    ] = False,
) -> None:
    """Make records; they go to standard output unless --output or --upload says otherwise."""
    import datetime as dt
    from uuid import uuid4

    from tools.calls.files import FileForm, write
    from tools.calls.files import upload as put
    from tools.calls.generator import FORMATS, Mix, records

    if form not in FORMATS:
        raise Problem(f"--format {form} is none: choose from {', '.join(FORMATS)}.")
    if form == "json" and count != 1:
        raise Problem("--format json is one object: use --count 1, or --format list.")
    if broken + repeats > 1:
        raise Problem("--broken and --repeats are parts of the whole: together at most 1.")
    if upload and output:
        raise Problem("Give --upload or --output, not both.")
    try:
        end = dt.datetime.fromisoformat(until) if until else dt.datetime.now(dt.UTC)
    except ValueError:
        raise Problem(f"--until {until} is no moment: write 2026-11-21T06:00:00Z.") from None
    end = end if end.tzinfo else end.replace(tzinfo=dt.UTC)
    file_form = FileForm(form, gzip)
    # An element of a list must be JSON, or the file breaks there.
    made = records(
        count, Mix(broken, repeats, whole=form != "jsonl"), seed=seed, until=end.astimezone(dt.UTC)
    )
    with Progress() as progress, progress.step(f"{count} call records") as report:

        def fill(target: Path | None) -> Any:
            return write(made, file_form, target, lambda number: report(f"{number} of {count}"))

        if upload:
            from tools.stack.settings import current_stack

            name = f"{end:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}{file_form.suffix}"
            address, kinds = put(current_stack(), tenant, name, fill)
        else:
            address, kinds = str(output or "standard output"), fill(output)
        report(f"to {address}")
    told = (("calls", "call"), ("broken", "broken"), ("repeats", "repeat"))
    console.print(", ".join(f"{kinds[kind]} {name}" for name, kind in told))
