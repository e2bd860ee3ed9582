"""uv, which installs Python packages from our hash-pinned locks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.commands import run
from tools.project import LOCAL, Problem, content_hash, exclusive

__all__ = ["find_uv", "install_environment", "uv_environment"]

# pip's settings, and what uv calls the same: a machine is often set up for pip only.
_SAME_IN_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
}
_NO_PACKAGES = (
    "Packages could not be installed. Is the package index reachable? Behind a proxy set "
    "HTTPS_PROXY; with a mirror set UV_DEFAULT_INDEX or PIP_INDEX_URL; then run the command again."
)


def find_uv() -> Path:
    """Return the uv that the bootstrap found or installed."""
    own = LOCAL / "uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if not found:
        raise Problem("uv is missing. `make up` (or `sh tools/bootstrap.sh`) installs it.")
    return Path(found)


def uv_environment() -> dict[str, str]:
    """Our environment, with pip's settings under the names uv knows."""
    environment = dict(os.environ)
    for theirs, ours in _SAME_IN_UV.items():
        if theirs in environment:
            environment.setdefault(ours, environment[theirs])
    # Certificates that the machine trusts, such as a company's own, are trusted.
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    # The lock's hashes decide which file is right, from whichever index it comes.
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environment


def install_environment(folder: Path, lock: Path, python: str) -> bool:
    """
    Make `folder` a virtual environment that holds exactly what `lock` names.

    Returns
    -------
    bool
        Whether anything was done: an environment of the same lock is kept.
    """
    stamp = folder / "installed"
    wanted = content_hash([lock], python)
    with exclusive(folder):
        if stamp.exists() and stamp.read_text() == wanted:
            return False
        uv = find_uv()
        environment = uv_environment()
        run([uv, "venv", "--quiet", "--clear", "--python", python, folder], environment=environment)
        run(
            [
                *(uv, "pip", "install", "--quiet", "--require-hashes"),
                *("--python", folder / "bin/python", "--requirement", lock),
            ],
            environment=environment,
            remedy=_NO_PACKAGES,
        )
        stamp.write_text(wanted)
    return True
