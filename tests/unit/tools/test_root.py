"""Terraform run on the root as it is: `python -m tools.infrastructure.root …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.infrastructure import root
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path


def test_without_terraform_it_is_said_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given
    def missing() -> Path:
        raise Problem("Terraform is missing [/opt]. Install it.")

    monkeypatch.setattr(root, "find_terraform", missing)

    # When
    code = root.main(["fmt"])

    # Then
    assert code == 1
    assert "Problem: Terraform is missing [/opt]. Install it." in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 3])
def test_terraforms_exit_code_is_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    # Given
    program = tmp_path / "terraform"
    program.write_text(f'#!/bin/sh\ntest "$2" = fmt && exit {code}\n')
    program.chmod(0o755)
    monkeypatch.setattr(root, "find_terraform", lambda: program)

    # Then
    assert root.main(["fmt", "-recursive"]) == code
