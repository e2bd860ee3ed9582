"""Locked dependencies as Lambda gets them: wheels of its platform, byte-compiled."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tools.commands import clean_environment, run
from tools.dependencies.uv import find_uv, uv_environment
from tools.project import LOCAL, content_hash, exclusive, files_below

if TYPE_CHECKING:
    from tools.packaging.platforms import Platform

__all__ = ["compile_for", "installed"]

_INSTALLED = LOCAL / "packages"
_COMPILER = Path(__file__).with_name("byte_code.py")
# Left out: what an installer leaves behind and nobody imports at run time.
_LEFT_OUT = ("bin", ".lock")
# Published as source alone. It is pure Python, as long as nothing here tempts its build to bind to
# a libvips of this machine; the one it uses comes as a wheel.
_FROM_SOURCE = ("pyvips",)
_WITHOUT_LIBRARIES_OF_THIS_MACHINE = {"PKG_CONFIG": "false"}


def compile_for(platform: Platform, folder: Path, imported_as: str) -> None:
    """Byte-compile what is below `folder`, if there is a Python of the target's version here."""
    if platform.interpreter:
        run(
            [platform.interpreter, "-I", _COMPILER, folder, imported_as],
            environment=clean_environment(PYTHONHASHSEED="0"),
        )


def installed(lock: Path, platform: Platform, imported_as: str) -> Path:
    """
    Install what a lock names into a folder of its own, unless it is there from last time.

    Parameters
    ----------
    lock
        A requirements file with hashes.
    platform
        Whose wheels.
    imported_as
        The folder that the packages will be imported from.
    """
    version = content_hash(files_below(lock, _COMPILER), repr(platform), imported_as)
    name = f"{lock.stem}-{platform.architecture}-{platform.python}-{version[:16]}"
    folder = _INSTALLED / name
    with exclusive(folder):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _install(lock, partial, platform)
            compile_for(platform, partial, imported_as)
            partial.rename(folder)
    return folder


def _install(lock: Path, folder: Path, platform: Platform) -> None:
    target_python = ["--python-version", platform.python, "--python-platform", platform.wheels]
    run(
        [
            *(find_uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *(option for name in _FROM_SOURCE for option in ("--no-binary", name)),
            *("--require-hashes", "--requirement", lock, "--link-mode", "copy"),
            *("--target", folder, *(target_python if platform.wheels else ())),
        ],
        environment={**uv_environment(), **_WITHOUT_LIBRARIES_OF_THIS_MACHINE},
        remedy="Is the package index reachable? `make package` can be run again at any time.",
    )
    for name in _LEFT_OUT:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
