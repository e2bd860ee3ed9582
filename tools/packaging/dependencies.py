"""Locked dependencies as Lambda gets them: wheels of its platform, trimmed, byte-compiled.

One recipe for archives and for images: while an image is built (layers/Dockerfile), this runs as
`python -m tools.packaging.dependencies LOCK FOLDER ARCHITECTURE`. So what is imported here needs
the standard library alone.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tools.commands import clean_environment, run
from tools.dependencies.uv import find_uv, uv_environment
from tools.packaging.platforms import Platform, lambda_platform
from tools.project import LOCAL, REQUIREMENTS, ROOT, content_hash, exclusive, files_below

__all__ = ["compile_for", "install", "installed", "kept_services"]

_INSTALLED = LOCAL / "packages"
_COMPILER = Path(__file__).with_name("byte_code.py")
_KEPT_SERVICES = ROOT / "layers" / "aws_services.txt"
# Left out: what an installer leaves behind, and documents; nobody imports them at run time.
_LEFT_OUT = ("bin", ".lock", "boto3/examples")
# Published as source alone. It is pure Python, as long as nothing here tempts its build to bind to
# a libvips of this machine; the one it uses comes as a wheel.
_FROM_SOURCE = ("pyvips",)
_BUILT_WITH = REQUIREMENTS / "build.txt"
_WITHOUT_LIBRARIES_OF_THIS_MACHINE = {"PKG_CONFIG": "false"}
# Docker's names of architectures, where Lambda has others.
_ARCHITECTURES = {"amd64": "x86_64"}


def compile_for(platform: Platform, folder: Path, imported_as: str) -> None:
    """Byte-compile what is below `folder` by a Python of the target's version."""
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
    recipe = files_below(lock, _BUILT_WITH, _COMPILER, _KEPT_SERVICES, Path(__file__))
    version = content_hash(recipe, repr(platform), imported_as)
    name = f"{lock.stem}-{platform.architecture}-{platform.python}-{version[:16]}"
    folder = _INSTALLED / name
    with exclusive(folder):
        if not folder.exists():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            install(lock, partial, platform, imported_as)
            partial.rename(folder)
    return folder


def install(lock: Path, folder: Path, platform: Platform, imported_as: str) -> None:
    """Install what `lock` names into `folder`, to be imported from `imported_as`."""
    target_python = ["--python-version", platform.python, "--python-platform", platform.wheels]
    run(
        [
            *(find_uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *(option for name in _FROM_SOURCE for option in ("--no-binary", name)),
            *("--build-constraints", _BUILT_WITH),
            *("--require-hashes", "--requirement", lock, "--link-mode", "copy"),
            *("--target", folder, *(target_python if platform.wheels else ())),
        ],
        environment={**uv_environment(), **_WITHOUT_LIBRARIES_OF_THIS_MACHINE},
        remedy="Is the package index reachable? The command can be run again at any time.",
    )
    for name in _LEFT_OUT:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for record in folder.glob("*.dist-info/RECORD"):
        # It names programs that are left out, by hashes that depend on where they were installed.
        record.unlink()
    _leave_out_services(folder / "botocore" / "data")
    compile_for(platform, folder, imported_as)


def kept_services() -> set[str]:
    """Name the AWS services whose models botocore keeps."""
    lines = _KEPT_SERVICES.read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def _leave_out_services(models: Path) -> None:
    if not models.is_dir():
        return
    kept = kept_services()
    for service in models.iterdir():
        if service.is_dir() and service.name not in kept:
            shutil.rmtree(service)
    for examples in models.rglob("examples-1.json*"):
        examples.unlink()


if __name__ == "__main__":
    _lock, _folder, _architecture = sys.argv[1:]
    _platform = lambda_platform(_ARCHITECTURES.get(_architecture, _architecture))
    install(Path(_lock), Path(_folder), _platform, _folder)
