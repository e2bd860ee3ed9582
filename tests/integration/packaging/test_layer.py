"""The layer as Lambda unpacks it: reproducible, for its platform only, compiled, importable."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tools.packaging import dependencies, layer
from tools.packaging.archives import archive_sha256
from tools.packaging.platforms import lambda_platform, this_machine

if TYPE_CHECKING:
    from pathlib import Path

# e_machine of the ELF header, see /usr/include/elf.h.
ELF_MACHINE = {"x86_64": 62, "arm64": 183}
WHEEL_PLATFORM = {"x86_64": "x86_64", "arm64": "aarch64"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the layer for this machine."""
    archive = tmp_path_factory.mktemp("layer") / "layer.zip"
    layer.build_layer(archive, this_machine())
    return archive


@pytest.fixture(scope="module")
def unpacked(built: Path) -> Path:
    folder = built.parent / "opt"
    zipfile.ZipFile(built).extractall(folder)
    return folder / "python"


def test_the_same_input_gives_the_same_layer(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: nothing kept from the first build
    monkeypatch.setattr(dependencies, "_INSTALLED", tmp_path / "packages")

    # When
    again = tmp_path / "elsewhere.zip"
    layer.build_layer(again, this_machine())

    # Then
    assert archive_sha256(again) == archive_sha256(built)


def test_everything_is_imported_from_the_layer(unpacked: Path) -> None:
    # Given
    program = (
        f"import sys; sys.path.insert(0, {str(unpacked)!r})\n"
        "import aws_lambda_powertools, boto3, cryptography, jwt, pydantic, redis, uuid_utils\n"
        "import itemstream.items.model as model\n"
        "print(model.__file__, boto3.__file__, sep='\\n')"
    )

    # When
    imported = subprocess.run(
        [
            *(sys.executable, "-I", "-S", "-c"),
            program,
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    # Then
    for path in imported.stdout.splitlines():
        assert path.startswith(str(unpacked))


def test_byte_code_is_there_and_never_checked_against_its_source(unpacked: Path) -> None:
    compiled = 0
    for source in unpacked.rglob("*.py"):
        for byte_code in (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"):
            # PEP 552: bit 0 says that the file holds a hash, bit 1 that imports check it.
            [flags] = struct.unpack("<I", byte_code.read_bytes()[4:8])
            assert flags == 0b01
            compiled += 1
    sources = sum(1 for _ in unpacked.rglob("*.py"))
    assert compiled == sources


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_only_wheels_for_lambda_are_in_it(architecture: str, tmp_path: Path) -> None:
    # When
    archive = tmp_path / "layer.zip"
    layer.build_layer(archive, lambda_platform(architecture))

    # Then
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        assert all(name.startswith("python/") for name in names)
        wheels = [name for name in names if name.endswith(".dist-info/WHEEL")]
        tags = {
            tag
            for wheel in wheels
            for tag in re.findall(r"^Tag: (\S+)$", opened.read(wheel).decode(), re.MULTILINE)
        }
        libraries = [name for name in names if name.endswith(".so")]
        machines = {struct.unpack("<H", opened.read(name)[18:20])[0] for name in libraries}
    assert machines == {ELF_MACHINE[architecture]}
    for tag in tags:
        assert re.fullmatch(
            rf".*-none-any|.*-manylinux[\w.]*_{WHEEL_PLATFORM[architecture]}", tag
        ), tag
    for name in libraries:
        # Compiled for 3.13, for its stable interface, or a library that is no Python module.
        assert ".cpython-" not in name or ".cpython-313-" in name, name
