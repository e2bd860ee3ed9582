"""`itemstream deploy`, `rollback` and `history`. What they do is in the modules beside."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from tools.progress import Progress, console

app = typer.Typer()

_Environment = Annotated[
    str,
    typer.Option("--environment", "-e", help="local (the current stack), dev, staging or prod."),
]


@app.command()
def deploy(
    functions: Annotated[
        list[str] | None, typer.Argument(help="Functions of functions.yaml; none: all.")
    ] = None,
    *,
    environment: _Environment = "local",
    strategy: Annotated[
        str | None,
        typer.Option(
            help="all_at_once, canary10percent5minutes, linear10percentevery1minute, or these with "
            "other numbers (here: seconds, too); the environment's own, if nothing is said."
        ),
    ] = None,
) -> None:
    """Bring functions to their newest versions step by step; back by itself if an alarm fires."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.releases.deploying import alone
    from tools.releases.deploying import deploy as bring
    from tools.releases.strategies import read_strategy

    chosen = read_strategy(strategy) if strategy else None
    account = open_account(environment)
    title = f"Deploy to {account.place}"
    try:
        with (
            alone(account),
            aws_problems(account),
            Progress() as progress,
            progress.step(title) as report,
        ):
            report(bring(account, functions or [], chosen, report))
    except KeyboardInterrupt:
        console.print(
            "Interrupted; what began stays as it is. To go on: itemstream deploy. To end it: "
            "itemstream rollback"
        )
        raise


@app.command()
def rollback(
    functions: Annotated[list[str], typer.Argument(help="Functions of functions.yaml.")],
    *,
    environment: _Environment = "local",
) -> None:
    """Take functions back to the version before, at once; a deployment under way is ended."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.releases.rolling_back import roll_back

    account = open_account(environment)
    title = f"Roll back in {account.place}"
    with aws_problems(account), Progress() as progress, progress.step(title) as report:
        report(roll_back(account, functions, report))


@app.command()
def history(
    *,
    environment: _Environment = "local",
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what was released: who, when, from which version to which, and what came of it."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.releases.history import markdown, releases

    account = open_account(environment)
    with aws_problems(account):
        found = releases(account, days)
    if as_json:
        for release in found:
            typer.echo(json.dumps(asdict(release)))
    else:
        typer.echo(markdown(found))
