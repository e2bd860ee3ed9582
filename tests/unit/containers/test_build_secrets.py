"""A build reaches the package index as this machine does, and leaves nothing of it behind."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tools.containers.build_secrets import build_secrets

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_settings_and_certificates_are_there_for_the_builds_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given: a mirror with a password that a shell would trip over
    address = "https://user:pass$word'@mirror.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", address)
    certificates = tmp_path / "own.pem"
    certificates.write_text("a company's own")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))

    # When
    with build_secrets() as secrets:
        script = (
            f'. {secrets["package_index"]}; printf \'%s %s\' "$PIP_INDEX_URL" "$UV_DEFAULT_INDEX"'
        )
        read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        found = secrets["certificates"].read_text()

    # Then
    assert read.stdout == f"{address} {address}"
    assert found == "a company's own"
    assert not any(path.exists() for path in secrets.values())
