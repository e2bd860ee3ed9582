"""AWS's base image: where it is pinned, and how the pin follows AWS."""

from __future__ import annotations

import hashlib
import json
import re

from tools.commands import run
from tools.dependencies.skopeo import find_skopeo
from tools.project import ROOT, Problem

__all__ = ["pin_newest_base", "pinned_base"]

_TAG = "public.ecr.aws/lambda/python:3.13"
_PIN = re.compile(rf"{re.escape(_TAG)}@(sha256:[0-9a-f]{{64}})")
_BAKE = ROOT / "docker-bake.hcl"
_ARCHITECTURES = {"amd64", "arm64"}


def pinned_base() -> str:
    """
    Return the digest that images are built on.

    Raises
    ------
    Problem
        If docker-bake.hcl pins none.
    """
    found = _PIN.search(_BAKE.read_text())
    if not found:
        raise Problem(f"docker-bake.hcl does not pin {_TAG} by its digest. Restore that line.")
    return found[1]


def pin_newest_base() -> str:
    """
    Pin what AWS publishes now; return its digest.

    Raises
    ------
    Problem
        If AWS's public registry does not answer, or with something that is not for both
        architectures.
    """
    # The digest is that of the index's very bytes: https://github.com/opencontainers/image-spec
    index = run(
        [find_skopeo(), "inspect", "--raw", f"docker://{_TAG}"],
        remedy="Is public.ecr.aws reachable? The pin in docker-bake.hcl is as it was.",
    )
    platforms = {
        entry.get("platform", {}).get("architecture")
        for entry in json.loads(index).get("manifests", [])
    }
    if not platforms >= _ARCHITECTURES:
        raise Problem(f"{_TAG} is no longer for {' and '.join(sorted(_ARCHITECTURES))}.")
    digest = f"sha256:{hashlib.sha256(index.encode()).hexdigest()}"
    _BAKE.write_text(_PIN.sub(f"{_TAG}@{digest}", _BAKE.read_text()))
    return digest
