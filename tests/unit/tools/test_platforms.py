"""What compiles archives for Lambda is always of Lambda's Python: archives without it differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.packaging import platforms
from tools.packaging.platforms import lambda_platform
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

# `uv python find` answers as soon as `uv python install` has been there, if that may install.
PROGRAM = """#!/bin/sh
cd "{folder}"
case "$2" in
    find) [ -e installed ] && echo /installed/python3.13 ;;
    install) [ -e offline ] && exit 1; touch installed ;;
esac
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with uv and without Python 3.13."""
    program = tmp_path / "uv"
    program.write_text(PROGRAM.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setattr(platforms, "find_uv", lambda: program)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def test_a_python_that_is_missing_is_installed(uv: Path) -> None:
    # When
    interpreter = lambda_platform("arm64").interpreter

    # Then
    assert (uv / "installed").exists()
    assert str(interpreter) == "/installed/python3.13"


def test_without_a_python_nothing_is_packaged(uv: Path) -> None:
    # Given
    (uv / "offline").touch()

    # Then
    with pytest.raises(
        Problem, match=r"compiled by Python 3\.13, and there is none here\. Install"
    ):
        lambda_platform("arm64")


def test_who_brings_a_python_needs_none_of_this_machine(uv: Path) -> None:
    # When
    platform = lambda_platform("x86_64", uv / "python3.13")

    # Then
    assert platform.interpreter == uv / "python3.13"
    assert not (uv / "installed").exists()


def test_an_architecture_that_lambda_does_not_have_is_refused() -> None:
    with pytest.raises(Problem, match="no architecture riscv: use x86_64 or arm64"):
        lambda_platform("riscv")
