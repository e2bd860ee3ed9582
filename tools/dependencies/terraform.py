"""The terraform program and its provider: the machine's own, or a pinned, verified release."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import urllib.request
import zipfile
from functools import cache
from pathlib import Path

from tools.commands import clean_environment
from tools.project import LOCAL, Problem

__all__ = ["find_terraform", "plugin_folder", "terraform_environment"]

_OLDEST = (1, 11)
_VERSION = "1.11.4"
# SHA-256 of the release archives, as published in hashicorp/homebrew-tap (Formula/terraform.rb).
_SHA256 = {
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
}
_REGISTRY = "registry.terraform.io"


def terraform_environment(**more: str) -> dict[str, str]:
    """Return Terraform's environment, without a configuration file that does not exist."""
    environment = clean_environment(
        TF_IN_AUTOMATION="1", TF_INPUT="0", CHECKPOINT_DISABLE="1", AWS_EC2_METADATA_DISABLED="true"
    )
    settings = os.environ.get("TF_CLI_CONFIG_FILE", "")
    if settings and Path(settings).is_file():
        environment["TF_CLI_CONFIG_FILE"] = settings
    if cache_folder := os.environ.get("TF_PLUGIN_CACHE_DIR"):
        environment["TF_PLUGIN_CACHE_DIR"] = cache_folder
    return {**environment, **more}


@cache
def find_terraform() -> Path:
    """
    Return a terraform program that is new enough, fetching the pinned release if there is none.

    Raises
    ------
    Problem
        If there is none and it can't be fetched or verified.
    """
    own = LOCAL / "terraform" / _VERSION / "terraform"
    for candidate in (shutil.which("terraform"), own if own.exists() else None):
        if candidate and _version(Path(candidate)) >= _OLDEST:
            return Path(candidate)
    return _fetch(own)


def _version(program: Path) -> tuple[int, ...]:
    try:
        answer = subprocess.run(
            [program, "version", "-json"],
            env=terraform_environment(),
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        number: str = json.loads(answer.stdout)["terraform_version"]
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", number)[:3])


def _platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}_{machine}"


def _fetch(target: Path) -> Path:
    system = _platform()
    address = (
        f"https://releases.hashicorp.com/terraform/{_VERSION}/terraform_{_VERSION}_{system}.zip"
    )
    by_hand = (
        f"Install Terraform {'.'.join(map(str, _OLDEST))} or newer "
        "(https://developer.hashicorp.com/terraform/install) and run the command again."
    )
    if system not in _SHA256:
        raise Problem(f"Terraform is missing, and no release is pinned for {system}. {by_hand}")
    try:
        with urllib.request.urlopen(address, timeout=120) as answer:
            archive: bytes = answer.read()
    except OSError as problem:
        raise Problem(
            f"Terraform is missing and {address} could not be fetched ({problem}). {by_hand}"
        ) from problem
    if hashlib.sha256(archive).hexdigest() != _SHA256[system]:
        raise Problem(f"{address} does not have the pinned checksum; it was not used. {by_hand}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(zipfile.ZipFile(io.BytesIO(archive)).read("terraform"))
    partial.chmod(0o755)
    partial.replace(target)
    return target


def plugin_folder() -> Path | None:
    """Find a folder that holds the pinned AWS provider, so that no registry is needed."""
    versions = (Path(__file__).parents[2] / "terraform" / "versions.tf").read_text()
    pinned = re.search(r'source\s*=\s*"hashicorp/aws"\s+version\s*=\s*"=?\s*([\d.]+)"', versions)
    version = pinned[1] if pinned else "*"
    provider = f"{_REGISTRY}/hashicorp/aws/{version}/{_platform()}"
    home = Path.home()
    usual = [
        home / ".terraform.d/plugins",
        home / ".local/share/terraform/plugins",
        home / "Library/Application Support/io.terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *sorted(Path("/opt").glob("*")),
    ]
    named = os.environ.get("TF_PLUGIN_DIR")
    folders = [Path(named), *usual] if named else usual
    return next((folder for folder in folders if any(folder.glob(provider))), None)
