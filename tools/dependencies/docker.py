"""Docker, where it is there and running."""

from __future__ import annotations

import shutil
import subprocess

__all__ = ["docker_answers", "docker_builds"]


def docker_answers() -> bool:
    """Whether containers can be run here."""
    if not shutil.which("docker"):
        return False
    try:
        answer = subprocess.run(
            ["docker", "info"],
            capture_output=True,
            timeout=10,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def docker_builds() -> bool:
    """Whether images can be built here, with BuildKit."""
    if not docker_answers():
        return False
    asked = ["docker", "buildx", "version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
