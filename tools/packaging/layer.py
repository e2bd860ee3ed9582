"""The shared layer: `layers/python` and the locked dependencies, laid out for /opt/python."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tools.packaging.archives import members_below, write_archive
from tools.packaging.dependencies import compile_for, installed
from tools.project import REQUIREMENTS, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tools.packaging.platforms import Platform

__all__ = ["LAYER_SOURCE", "build_layer"]

LAYER_SOURCE = ROOT / "layers" / "python"
_LOCK = REQUIREMENTS / "layer.txt"
# Lambda unpacks layers below /opt and imports from /opt/python.
_IMPORTED_AS = "/opt/python"
# As in .dockerignore; certificates that are public are part of it.
_NOT_SHIPPED = ("__pycache__", "*.pyc", ".*", "*.key")


def build_layer(target: Path, platform: Platform) -> None:
    """Write the layer's archive for `platform`."""
    dependencies = installed(_LOCK, platform, _IMPORTED_AS)
    own = target.with_suffix(".source")
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(LAYER_SOURCE, own, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))
    compile_for(platform, own, _IMPORTED_AS)
    write_archive(target, [*members_below(dependencies, "python/"), *members_below(own, "python/")])
    shutil.rmtree(own)
