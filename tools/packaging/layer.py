"""The shared layer: `layers/python` and the locked dependencies, laid out for /opt/python."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tools.commands import clean_environment, run
from tools.dependencies.uv import find_uv, uv_environment
from tools.packaging.archives import members_below, write_archive
from tools.project import LOCAL, REQUIREMENTS, ROOT, content_hash, exclusive, files_below

if TYPE_CHECKING:
    from tools.packaging.platforms import Platform

__all__ = ["LAYER_SOURCE", "build_layer"]

LAYER_SOURCE = ROOT / "layers" / "python"
_LOCK = REQUIREMENTS / "layer.txt"
_INSTALLED = LOCAL / "packages"
# Lambda unpacks layers below /opt and imports from /opt/python.
_IMPORTED_AS = "/opt/python"
_COMPILER = Path(__file__).with_name("byte_code.py")
# Left out: what an installer leaves behind and nobody imports at run time.
_LEFT_OUT = ("bin", ".lock")


def build_layer(target: Path, platform: Platform) -> None:
    """Write the layer's archive for `platform`."""
    dependencies = _dependencies(platform)
    own = target.with_suffix(".source")
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(LAYER_SOURCE, own, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    compile_for(platform, own, _IMPORTED_AS)
    write_archive(target, [*members_below(dependencies, "python/"), *members_below(own, "python/")])
    shutil.rmtree(own)


def compile_for(platform: Platform, folder: Path, imported_as: str) -> None:
    """Byte-compile what is below `folder`, if there is a Python of the target's version here."""
    if platform.interpreter:
        run(
            [platform.interpreter, "-I", _COMPILER, folder, imported_as],
            environment=clean_environment(PYTHONHASHSEED="0"),
        )


def _dependencies(platform: Platform) -> Path:
    """Install the locked dependencies for `platform` into a folder that is kept for next time."""
    version = content_hash(files_below(_LOCK, _COMPILER), repr(platform))
    folder = _INSTALLED / f"{platform.architecture}-{platform.python}-{version[:16]}"
    with exclusive(folder):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _install(partial, platform)
            partial.rename(folder)
    return folder


def _install(folder: Path, platform: Platform) -> None:
    target_python = ["--python-version", platform.python, "--python-platform", platform.wheels]
    run(
        [
            *(find_uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--require-hashes", "--requirement", _LOCK, "--link-mode", "copy"),
            *("--target", folder, *(target_python if platform.wheels else ())),
        ],
        environment=uv_environment(),
        remedy="Is the package index reachable? `make package` can be run again at any time.",
    )
    for name in _LEFT_OUT:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    compile_for(platform, folder, _IMPORTED_AS)
