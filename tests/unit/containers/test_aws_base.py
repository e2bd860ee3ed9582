"""The pin of AWS's base image follows what AWS publishes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from tools.containers import aws_base
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

OLD = f"public.ecr.aws/lambda/python:3.13@sha256:{'0' * 64}"


@pytest.fixture
def bake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "docker-bake.hcl"
    file.write_text(f'variable "BASE_IMAGE" {{\n  default = "{OLD}"\n}}\n')
    monkeypatch.setattr(aws_base, "_BAKE", file)
    return file


def publish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *architectures: str) -> str:
    """Let the registry answer with an index; return its digest."""
    platforms = [{"platform": {"architecture": name}} for name in architectures]
    index = json.dumps({"manifests": platforms})
    program = tmp_path / "skopeo"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{index}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(aws_base, "find_skopeo", lambda: str(program))
    return f"sha256:{hashlib.sha256(index.encode()).hexdigest()}"


def test_the_pin_becomes_the_digest_of_the_published_index(
    bake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    digest = publish(monkeypatch, tmp_path, "amd64", "arm64")

    # When
    pinned = aws_base.pin_newest_base()

    # Then
    assert pinned == aws_base.pinned_base() == digest
    assert bake.read_text().count(digest) == 1


def test_an_image_for_one_architecture_changes_nothing(
    bake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    publish(monkeypatch, tmp_path, "amd64")

    # Then
    with pytest.raises(Problem, match="no longer for amd64 and arm64"):
        aws_base.pin_newest_base()
    assert OLD in bake.read_text()


def test_a_pin_without_a_digest_is_a_problem(bake: Path) -> None:
    # Given
    bake.write_text('default = "public.ecr.aws/lambda/python:3.13"')

    # Then
    with pytest.raises(Problem, match=r"does not pin .* by its digest"):
        aws_base.pinned_base()
