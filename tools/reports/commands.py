"""`itemstream reports`: make the tables of reports anew."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tools.progress import Progress, console
from tools.project import Problem

app = typer.Typer(help="The tables that reports are made of.", no_args_is_help=True)


@app.callback()
def reports() -> None:
    """Look after the tables that reports are made of."""


@app.command()
def rebuild(
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", help="local (the current stack), dev, staging or prod."
        ),
    ] = "local",
    tenant: Annotated[str, typer.Option(help="Only this tenant's rows; all by default.")] = "",
    *,
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="Empty the tables first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Project all that is kept once more: the log of events, the items, the calls."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.reports.rebuilding import Rebuild

    account = open_account(environment)
    rebuild = Rebuild(account)
    with aws_problems(account), Progress() as progress:
        with progress.step("Tenants") as report:
            tenants = [tenant] if tenant else rebuild.tenants()
            report(str(len(tenants)))
        if from_nothing:
            with progress.step("What would be lost") as report:
                losses = rebuild.losses(tenants, report)
    if from_nothing and not yes:
        _agree(environment, losses)
    with aws_problems(account), Progress() as progress:
        if from_nothing:
            with progress.step("Empty the tables") as report:
                rebuild.run("empty", tenants, report)
        for task, title in (("events", "The log of events"), ("items", "Items as they are")):
            with progress.step(title) as report:
                rebuild.run(task, tenants, report)
        with progress.step("Calls") as report:
            rebuild.run("calls", [tenant], report)
    for reason, number in rebuild.refused.most_common(10):
        console.print(f"[yellow]Not projected:[/] {number} times: {reason}", markup=True)


def _agree(environment: str, losses: str) -> None:
    console.print(losses)
    console.print("Reports of those weeks would lack what is lost; until the end, those of all do.")
    if not sys.stdin.isatty():
        raise Problem("Nobody can be asked here: use --yes if this is to be lost.")
    typer.confirm(f"Empty the tables of {environment} and make them anew?", abort=True, err=True)
