"""What a build needs to reach a package index from this machine; nothing of it is in an image."""

from __future__ import annotations

import shlex
import ssl
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.dependencies.uv import uv_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["build_secrets"]

# Debian's, for a Python that was built with another place in mind.
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_UV_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_INSECURE_HOST")
_PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")


@contextmanager
def build_secrets() -> Iterator[dict[str, Path]]:
    """Make files of this machine's certificates and package index, for the build's time."""
    environment = uv_environment()
    settings = "".join(
        f"{name}={shlex.quote(environment[name])}\n"
        for name in (*_UV_SETTINGS, *_PIP_SETTINGS)
        if name in environment
    )
    with tempfile.TemporaryDirectory() as folder:
        package_index = Path(folder) / "package_index"
        package_index.write_text(settings)
        certificates = Path(folder) / "certificates"
        certificates.write_bytes(_trusted_certificates())
        yield {"certificates": certificates, "package_index": package_index}


def _trusted_certificates() -> bytes:
    named = ssl.get_default_verify_paths().cafile
    for path in (Path(named) if named else _CERTIFICATES, _CERTIFICATES):
        if path.is_file():
            return path.read_bytes()
    return b""
