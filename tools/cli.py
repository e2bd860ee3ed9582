"""`itemstream`: the project's command line. Commands only; what they do is in the packages beside.

Imports are made inside the commands, so that each starts quickly.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from tools.calls.commands import app as calls
from tools.containers.commands import images
from tools.dead_letters.commands import app as dead_letters
from tools.environments.commands import app as environments
from tools.progress import Progress, print_problem
from tools.project import Problem
from tools.releases.commands import app as releases
from tools.reports.commands import app as reports
from tools.secrets.commands import app as secrets
from tools.stack.run_choice import Run  # noqa: TC001 (Typer reads it)

app = typer.Typer(
    help="Run, look at and package Itemstream.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="The keys that sign local access tokens.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(environments)
app.add_typer(releases)
app.add_typer(calls, name="calls")
app.add_typer(dead_letters, name="dlq")
app.add_typer(secrets, name="secrets")
app.add_typer(reports, name="reports")
app.command()(images)


@app.command()
def up(
    run: Annotated[
        Run | None,
        typer.Option(help="What functions run out of; what was chosen last, if nothing is said."),
    ] = None,
) -> None:
    """Bring the local stack up; does only what is not done yet."""
    from tools.stack.settings import current_stack
    from tools.stack.up import bring_up
    from tools.stack.welcome import print_welcome

    stack = current_stack()
    with stack.locked(), Progress() as progress:
        bring_up(stack, progress, run)
    progress.print_times()
    print_welcome(stack)


@app.command()
def down() -> None:
    """Stop the local stack; its data stays."""
    from tools.stack.down import bring_down
    from tools.stack.settings import current_stack

    stack = current_stack()
    with stack.locked(), Progress() as progress:
        bring_down(stack, progress)


@app.command()
def reset() -> None:
    """Stop the local stack and forget all its data."""
    from tools.stack.down import forget
    from tools.stack.settings import current_stack

    stack = current_stack()
    with stack.locked(), Progress() as progress:
        forget(stack, progress)


@app.command()
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False
) -> None:
    """Tell how the local stack is; the exit code is 0 only if all is well."""
    from tools.stack.settings import current_stack
    from tools.stack.status import status_of
    from tools.stack.welcome import print_status

    found = status_of(current_stack())
    if as_json:
        typer.echo(json.dumps(found.document, indent=2))
    else:
        print_status(found)
    raise typer.Exit(0 if found.healthy else 1)


@app.command()
def logs(
    function: Annotated[str, typer.Argument(help="A function's or a process's name.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines.")] = False,
) -> None:
    """Show what a function, or a process of the stack, wrote."""
    from tools.stack.logs import show_log
    from tools.stack.settings import current_stack
    from tools.stack.status import status_of

    show_log(status_of(current_stack()).document["log_files"], function, follow=follow)


@app.command()
def token(
    tenant: Annotated[str, typer.Option(help="Whose data the token is for.")],
    scope: Annotated[str, typer.Option(help="What it allows, separated by spaces.")],
    subject: Annotated[str, typer.Option(help="Who holds it.")] = "developer",
    ttl: Annotated[int, typer.Option(help="Seconds it lives.")] = 3600,
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", help="local (the current stack), dev, staging or prod."
        ),
    ] = "local",
) -> None:
    """Print an access token signed with our own keys, and nothing else."""
    from tools.environments.naming import find_environment
    from tools.environments.reaching import own_token

    typer.echo(own_token(find_environment(environment), tenant, scope, subject, ttl))


@app.command()
def watch(
    topic: Annotated[str, typer.Argument(help="items, items/<item id>, calls or reports.")],
    after: Annotated[str | None, typer.Option(help="Begin after this cursor, not now.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose events, on the local stack.")] = "demo",
    url: Annotated[
        str | None, typer.Option(help="Another WebSocket API; its token is in ITEMSTREAM_TOKEN.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One event a line, as it came.")] = False,
) -> None:
    """Show events as they happen, through lost connections, until Ctrl-C."""
    import asyncio
    import os

    from tools.stack.settings import current_stack
    from tools.watch.watching import given_source, local_source, read_cursor
    from tools.watch.watching import watch as follow

    cursor = read_cursor(after)
    if url:
        source = given_source(url, os.environ.get("ITEMSTREAM_TOKEN"))
    else:
        source = local_source(current_stack(), tenant, topic)
    asyncio.run(follow(source, topic, cursor, as_json=as_json))


@app.command()
def migrate(
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", help="local (the current stack), dev, staging or prod."
        ),
    ] = "local",
) -> None:
    """Bring the schema of MySQL up to date; `up` does it too, and so must a deployment."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.migrating import migrate as bring_up_to_date

    account = open_account(environment)
    with Progress() as progress, progress.step("Database") as report, aws_problems(account):
        report(bring_up_to_date(account))


@keys.command()
def rotate() -> None:
    """Let the next key sign and publish a new next one; no token is refused meanwhile."""
    from tools.stack.settings import current_stack
    from tools.tokens.issuer import rotate as rotate_keys

    stack = current_stack()
    with stack.locked(), Progress() as progress, progress.step("Rotate signing keys") as report:
        ring = rotate_keys(stack, report)
        report(f"{ring.current.kid} signs, {ring.next.kid} is next")


@app.command()
def cleanup(
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", help="local (the current stack), dev, staging or prod."
        ),
    ] = "local",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; say what would be.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Remove what is over, as happens each night by itself, and show what that was."""
    from tools.cleanup.commands import run_cleanup, show
    from tools.dead_letters.accounts import aws_problems, open_account

    account = open_account(environment)
    with aws_problems(account):
        run = run_cleanup(account, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(run, indent=2))
    else:
        show(run)


@app.command()
def health(
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", help="local (the current stack), dev, staging or prod."
        ),
    ] = "local",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check every part of the platform now; the exit code is 0 only if all are up."""
    from tools.dead_letters.accounts import aws_problems, open_account
    from tools.health import check, told

    account = open_account(environment)
    with aws_problems(account):
        found = check(account)
    typer.echo(json.dumps(found, indent=2) if as_json else told(found))
    states = {part["state"] for part in found["parts"].values()}
    raise typer.Exit(0 if states == {"up"} else 1)


@app.command()
def package(
    architecture: Annotated[str, typer.Option(help="x86_64 or arm64.")] = "arm64",
    registry: Annotated[str, typer.Option(help="Container registry of the images.")] = "",
) -> None:
    """Build the layer and the functions' archives for AWS into build/."""
    from tools.packaging.package import LOCAL_REGISTRY
    from tools.packaging.package import package as build
    from tools.packaging.platforms import lambda_platform
    from tools.project import ROOT

    with Progress() as progress, progress.step(f"Packages for {architecture}") as report:
        platform = lambda_platform(architecture)
        manifest, built = build(ROOT / "build", platform, registry or LOCAL_REGISTRY)
        report(f"built {', '.join(built)}" if built else "unchanged")
    typer.echo(manifest)


def main() -> None:
    """Run the command line; problems a person can mend are told without a stack trace."""
    try:
        app()
    except Problem as problem:
        print_problem(problem)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
