"""`itemstream secrets`: list, rotate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import datetime as dt

app = typer.Typer(
    help="Secrets that are rotated: keys that sign, and the password to the database.",
    no_args_is_help=True,
)

_Environment = Annotated[
    str,
    typer.Option("--environment", "-e", help="local (the current stack), dev, staging or prod."),
]


@app.command("list")
def list_secrets(
    *,
    environment: _Environment = "local",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Show when each was rotated and will be, and whether a rotation is not complete."""
    from rich.table import Table

    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.progress import console
    from tools.secrets.rotating import ROTATED, describe

    account = open_account(environment)
    with aws_problems(account):
        found = [describe(account, name) for name in ROTATED]
    if as_json:
        documents = [
            {
                "name": secret.name,
                "rotated_at": _written(secret.rotated_at) or None,
                "next_at": _written(secret.next_at) or None,
                "incomplete": secret.incomplete,
            }
            for secret in found
        ]
        typer.echo(json.dumps(documents, indent=2))
        return
    table = Table("secret", "rotated (UTC)", "next (UTC)", "incomplete")
    for secret in found:
        table.add_row(
            secret.name,
            _shown(secret.rotated_at) or "never",
            _shown(secret.next_at),
            "yes" if secret.incomplete else "no",
        )
    console.print(table)


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="cursor_signing, database or token_signing.")],
    *,
    environment: _Environment = "local",
) -> None:
    """Rotate a secret now, and wait for the end; no request fails meanwhile."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.progress import Progress
    from tools.secrets.rotating import ROTATED
    from tools.secrets.rotating import rotate as rotate_secret

    if name not in ROTATED:
        raise typer.BadParameter(f"There is no {name}: use {', '.join(ROTATED)}.")
    account = open_account(environment)
    with (
        aws_problems(account),
        Progress() as progress,
        progress.step(f"Rotate {name} at {account.place}") as report,
    ):
        version = rotate_secret(account, name, report)
        report(f"version {version} is current")


def _written(time: dt.datetime | None) -> str:
    import datetime as dt

    return "" if time is None else time.astimezone(dt.UTC).isoformat(timespec="seconds")


def _shown(time: dt.datetime | None) -> str:
    return _written(time)[:16].replace("T", " ")
