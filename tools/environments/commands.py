"""`itemstream bootstrap|push|plan|apply|smoke|drift|destroy`: the steps of a deployment.

Each runs on a laptop as it does in a pipeline.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.progress import Progress

app = typer.Typer()

_Environment = Annotated[
    str, typer.Argument(help="dev, staging or prod, or a numbered copy of dev: dev123.")
]
_Architecture = Annotated[str, typer.Option(help="x86_64 or arm64.")]
_Summary = Annotated[
    Path | None, typer.Option("--summary", help="Write a summary in Markdown here.", dir_okay=False)
]
_AllowDirty = Annotated[
    bool, typer.Option("--allow-dirty", help="Even if files differ from their commit.")
]
_DRIFTED = 2


@app.command()
def bootstrap(
    repository: Annotated[
        str | None, typer.Option(help="organisation/name on GitHub; else git's origin.")
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option("--environment", "-e", help="An environment of this account; else all."),
    ] = None,
    registry_for: Annotated[
        list[str] | None, typer.Option(help="Another account that runs this one's images.")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option(help="With --remove: the account's number.")
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take away what was made, when no environment is left.")
    ] = False,
) -> None:
    """Prepare an AWS account: state bucket, GitHub's roles, registry; asks before it does."""
    if remove:
        from tools.infrastructure.unpreparing import unprepare

        with Progress() as progress:
            unprepare(confirm, progress)
        return
    from tools.infrastructure.bootstrapping import bootstrap as prepare
    from tools.infrastructure.bootstrapping import tell_what_to_set
    from tools.infrastructure.signing_in import sign_in

    with Progress() as progress:
        outputs = prepare(repository, environment or (), registry_for or (), progress, ask=not yes)
    tell_what_to_set(outputs, sign_in().region)


@app.command()
def push(architecture: _Architecture = "", *, allow_dirty: _AllowDirty = False) -> None:
    """Push this commit's images to the registry, and write build/artifacts.json with digests."""
    from tools.environments.pushing import push as push_images
    from tools.packaging.platforms import this_machine

    with Progress() as progress:
        manifest = push_images(
            architecture or this_machine().architecture, progress, allow_dirty=allow_dirty
        )
    typer.echo(manifest)


@app.command()
def plan(
    environment: Annotated[str, typer.Argument(help="local, dev, staging, prod or dev123.")],
    architecture: _Architecture = "arm64",
    out: Annotated[
        Path | None,
        typer.Option(help="Save the plan here, for `itemstream apply`.", dir_okay=False),
    ] = None,
    summary: _Summary = None,
    *,
    allow_dirty: _AllowDirty = False,
) -> None:
    """Show what Terraform would make or change in an environment; save it with --out."""
    from tools.environments.naming import find_environment
    from tools.infrastructure.planning import Report, look, save

    found, report = find_environment(environment), Report(summary)
    if out:
        save(found, out, report, allow_dirty=allow_dirty)
    else:
        look(found, architecture, report)


@app.command()
def apply(
    plan: Annotated[Path, typer.Argument(help="What `itemstream plan … --out` saved.")],
    *,
    allow_dirty: _AllowDirty = False,
) -> None:
    """Apply a saved plan, exactly; refuse one that is not good any more."""
    from tools.infrastructure.applying import apply as apply_plan

    with Progress() as progress:
        apply_plan(plan, progress, allow_dirty=allow_dirty)


@app.command()
def smoke(
    environment: Annotated[
        str,
        typer.Option(
            "--environment", "-e", help="local (the current stack), dev, staging or prod."
        ),
    ] = "local",
    tenant: Annotated[str, typer.Option(help="Whose item is made, and deleted.")] = "canary",
) -> None:
    """Use each API once, from outside; with ITEMSTREAM_TOKEN, or a token of our own keys."""
    from tools.environments.naming import find_environment
    from tools.environments.reaching import reach
    from tools.environments.smoke import SMOKE_SCOPE
    from tools.environments.smoke import smoke as use_once

    found = find_environment(environment)
    addresses, token = reach(found, tenant, SMOKE_SCOPE, "smoke")
    with Progress() as progress:
        use_once(addresses, token, progress)


@app.command()
def drift(environment: _Environment, summary: _Summary = None) -> None:
    """Compare an environment with what was deployed; the exit code is 2 if anything differs."""
    from tools.environments.naming import find_environment
    from tools.infrastructure.planning import Report, find_drift

    if find_drift(find_environment(environment), Report(summary)):
        raise typer.Exit(_DRIFTED)


@app.command()
def destroy(
    environment: _Environment,
    confirm: Annotated[
        str | None, typer.Option(help="The environment's name again, so that nobody is asked.")
    ] = None,
) -> None:
    """Delete an environment with all that it keeps; say first what that is."""
    from tools.environments.destroying import destroy as take_down
    from tools.environments.naming import find_environment

    with Progress() as progress:
        take_down(find_environment(environment), confirm, progress)
