"""Previews that nobody wants any more: `python -m tools.workflows.unwanted_previews FILE`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.infrastructure.remote_state import state_bucket
from tools.infrastructure.signing_in import sign_in
from tools.progress import print_problem
from tools.project import Problem

if TYPE_CHECKING:
    from tools.infrastructure.signing_in import SignedIn

__all__ = ["main", "unwanted_previews"]

# A preview is a copy of dev with its pull request's number; its state is there until it is removed.
_STATE = re.compile(r"(?P<preview>dev(?P<number>\d+))\.tfstate")


def unwanted_previews(caller: SignedIn, wanted: set[int]) -> list[str]:
    """
    Return the previews of an account that have something left and no pull request, sorted.

    Parameters
    ----------
    caller
        Whose account.
    wanted
        Numbers of the pull requests that have a preview.
    """
    pages = (
        caller.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=state_bucket(caller.account), Prefix="dev")
    )
    keys = (each["Key"] for page in pages for each in page.get("Contents", ()))
    states = filter(None, map(_STATE.fullmatch, keys))
    return sorted(state["preview"] for state in states if int(state["number"]) not in wanted)


def main(arguments: list[str]) -> int:
    """Print the output `previews`, of which a matrix makes a job each."""
    listed = json.loads(Path(arguments[0]).read_text())
    try:
        previews = unwanted_previews(sign_in(), {each["number"] for each in listed})
    except Problem as problem:
        print_problem(problem)
        return 1
    print(f"previews={json.dumps(previews)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
