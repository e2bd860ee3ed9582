"""Which commit is checked out, and whether there is more than it."""

from __future__ import annotations

from dataclasses import dataclass

from tools.commands import run
from tools.project import ROOT, Problem

__all__ = ["Revision", "clean_revision", "current_revision"]

_SHOWN = 5


@dataclass(frozen=True)
class Revision:
    """
    What is checked out.

    Parameters
    ----------
    commit
        Its id, 40 hexadecimal digits.
    changed
        Files that differ from it.
    """

    commit: str
    changed: tuple[str, ...]


def current_revision() -> Revision:
    """
    Ask git.

    Raises
    ------
    Problem
        If this is no checkout.
    """
    no_checkout = "Deploy from a checkout: what runs must be a commit that can be found again."
    commit = run(["git", "rev-parse", "HEAD"], folder=ROOT, remedy=no_checkout).strip()
    lines = run(["git", "status", "--porcelain"], folder=ROOT).splitlines()
    return Revision(commit, tuple(line[3:] for line in lines))


def clean_revision(*, allow_dirty: bool = False) -> Revision:
    """
    Return what is checked out, if it is a commit and nothing else.

    Raises
    ------
    Problem
        If files differ from the commit.
    """
    revision = current_revision()
    if revision.changed and not allow_dirty:
        more = len(revision.changed) - _SHOWN
        files = ", ".join(revision.changed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        raise Problem(
            f"Files differ from the commit {revision.commit[:12]}: {files}. Commit them, so that "
            "what runs can be found again. To try something out, in dev: --allow-dirty"
        )
    return revision
