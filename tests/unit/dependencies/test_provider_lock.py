"""What Terraform is run with is what its lock files have the hashes of."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tools.dependencies.terraform import terraform_environment
from tools.infrastructure.root import LOCK_FILE, TERRAFORM, initialise
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

# Platforms whose package a registry signs, each with the hash of its archive.
ZIP_HASHES = 15


def test_all_that_is_deployed_from_has_the_same_lock() -> None:
    # Given
    lock = (TERRAFORM / LOCK_FILE).read_text()
    pinned = re.search(r'version = "([\d.]+)"', (TERRAFORM / "versions.tf").read_text())

    # Then it is of the version that is pinned, for every platform
    assert pinned
    assert re.search(rf'version +\= "{re.escape(pinned[1])}"', lock)
    assert len(re.findall(r'"zh:[0-9a-f]{64}"', lock)) == ZIP_HASHES
    assert (TERRAFORM / "bootstrap" / LOCK_FILE).read_text() == lock


def test_another_provider_than_that_of_the_lock_is_refused(tmp_path: Path) -> None:
    # Given a root whose lock has one letter changed in each hash
    shutil.copy(TERRAFORM / "versions.tf", tmp_path)
    lock = (TERRAFORM / LOCK_FILE).read_text()
    (tmp_path / LOCK_FILE).write_text(re.sub(r'"(h1|zh):.', r'"\1:0', lock))
    data = tmp_path / "data"
    environment = terraform_environment(TF_DATA_DIR=str(data))

    # When, then
    with pytest.raises(Problem, match="checksums"):
        initialise(environment, data, "-backend=false", root=tmp_path)

    # And with the lock as it is, it is taken, and the lock left alone
    (tmp_path / LOCK_FILE).write_text(lock)
    assert initialise(environment, data, "-backend=false", root=tmp_path)
    assert (tmp_path / LOCK_FILE).read_text() == lock
