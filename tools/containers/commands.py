"""`itemstream images`: build them, and say how large they are."""

from __future__ import annotations

from typing import Annotated

import typer

from tools.progress import Progress

__all__ = ["images"]


def images(
    architecture: Annotated[
        str, typer.Option(help="x86_64 or arm64; this machine's, where nothing is said.")
    ] = "",
    *,
    document: Annotated[
        bool, typer.Option("--document", help="Write the table into docs/containers.md too.")
    ] = False,
    update_base: Annotated[
        bool, typer.Option("--update-base", help="Pin AWS's newest base image; build nothing.")
    ] = False,
) -> None:
    """Build the functions' images, what has changed of them, and show their sizes."""
    from rich.console import Console

    from tools.containers.aws_base import pin_newest_base, pinned_base
    from tools.containers.build import build_images
    from tools.containers.table import table_of, write_table
    from tools.packaging.platforms import checked_architecture
    from tools.project import ROOT

    if update_base:
        with Progress() as progress, progress.step("AWS's newest base image") as report:
            before = pinned_base()
            newest = pin_newest_base()
            report("is the pinned one" if newest == before else f"pinned {newest[:19]}")
        return
    wanted = checked_architecture(architecture) if architecture else None
    with Progress() as progress, progress.step("Images") as report:
        built = list(build_images(report, wanted).values())
    Console(soft_wrap=True).print(table_of(built))
    if built[0].stand_in:
        typer.echo("Built on the stand-in for AWS's base image: for this machine, not for AWS.")
    if document:
        write_table(built, ROOT / "docs" / "containers.md")
